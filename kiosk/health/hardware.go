package health

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/mem"
)

// hardwareLimit is the length of wire.EnrolRequest's field, in bytes.
const hardwareLimit = 200

// Hardware says in one line what the machine is, for its enrolment: maker and
// model, processor, memory. It names no serial number and no address. What is
// not known is left out.
func Hardware(ctx context.Context) string {
	return hardware(ctx, "/sys/class/dmi/id")
}

func hardware(ctx context.Context, dmi string) string {
	var parts []string
	add := func(s string) {
		if s = plain(s); s != "" {
			parts = append(parts, s)
		}
	}
	add(dmiField(dmi, "sys_vendor") + " " + dmiField(dmi, "product_name"))
	try(func() {
		if all, err := cpu.InfoWithContext(ctx); err == nil && len(all) > 0 {
			add(fmt.Sprintf("%s (%d)", all[0].ModelName, len(all)))
		}
	})
	try(func() {
		if m, err := mem.VirtualMemoryWithContext(ctx); err == nil && m.Total > 0 {
			add(fmt.Sprintf("%.1f GiB", float64(m.Total)/(1<<30)))
		}
	})
	line := strings.Join(parts, ", ")
	for len(line) > hardwareLimit {
		line = strings.TrimRight(line[:len(line)-1], " ,")
	}
	return line
}

// dmiField is empty for what makers leave unfilled.
func dmiField(dmi, name string) string {
	text, err := os.ReadFile(filepath.Join(dmi, name))
	if err != nil {
		return ""
	}
	s := strings.TrimSpace(string(text))
	switch strings.ToLower(s) {
	case "to be filled by o.e.m.", "default string", "system product name", "system manufacturer", "not specified", "none":
		return ""
	}
	return s
}

// plain keeps printable ASCII: the line is shown on terminals and labels, and
// makers write all sorts of bytes into their tables.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
