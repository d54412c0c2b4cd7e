package wipe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// printServer speaks IPP (RFC 8010) with a print server on this machine, over
// its socket in the file system. CUPS's own programs are not enough: what they
// call purging cancels a job and keeps its paper in the spool (seen with 2.4).
// It reads no title and no document.
type printServer struct{ socket string }

// errNoServer says that nobody listens there, errRefused that the server does
// not do that for this user.
var (
	errNoServer = errors.New("no print server listens")
	errRefused  = errors.New("the print server refuses")
)

// job is one print job.
type job struct {
	id      int32
	state   int32
	created int32  // seconds since 1970; 0 if the server keeps it to itself
	owner   string // may be empty
}

// The IPP words that are used here.
const (
	ippCancelJob = 0x0008
	ippGetJobs   = 0x000a

	cupsGetPrinters = 0x4002

	tagOperation, tagJob, tagEnd, tagPrinter    = 0x01, 0x02, 0x03, 0x04
	tagInteger, tagBoolean                      = 0x21, 0x22
	tagName, tagKeyword, tagURI, tagSet, tagLng = 0x42, 0x44, 0x45, 0x47, 0x48

	ippNotFound = 0x0406
)

// answerLimit bounds what a server may answer.
const answerLimit = 4 << 20

// request builds one IPP request.
type request struct{ bytes.Buffer }

func newRequest(operation uint16, user string) *request {
	r := &request{}
	r.Write([]byte{2, 0, byte(operation >> 8), byte(operation), 0, 0, 0, 1, tagOperation})
	r.attribute(tagSet, "attributes-charset", []byte("utf-8"))
	r.attribute(tagLng, "attributes-natural-language", []byte("en"))
	r.attribute(tagURI, "printer-uri", []byte("ipp://localhost/"))
	if operation == ippGetJobs {
		r.attribute(tagName, "requesting-user-name", []byte(user))
	}
	return r
}

// attribute adds one attribute; an empty name adds a value to the one before.
func (r *request) attribute(tag byte, name string, value []byte) {
	r.WriteByte(tag)
	r.Write(binary.BigEndian.AppendUint16(nil, uint16(len(name))))
	r.WriteString(name)
	r.Write(binary.BigEndian.AppendUint16(nil, uint16(len(value))))
	r.Write(value)
}

// jobs lists all jobs, done ones as well, as the user may see them.
func (p printServer) jobs(ctx context.Context, user string) ([]job, error) {
	r := newRequest(ippGetJobs, user)
	r.attribute(tagKeyword, "which-jobs", []byte("all"))
	for i, name := range []string{"job-id", "job-state", "time-at-creation", "job-originating-user-name"} {
		label := ""
		if i == 0 {
			label = "requested-attributes"
		}
		r.attribute(tagKeyword, label, []byte(name))
	}
	body, err := p.ask(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("list the print jobs: %w", err)
	}
	status, jobs, err := parseJobs(body)
	if err != nil {
		return nil, fmt.Errorf("list the print jobs: %w", err)
	}
	if status >= 0x0400 && status != ippNotFound {
		return nil, fmt.Errorf("list the print jobs: the server refuses (%#04x)", status)
	}
	return jobs, nil
}

// purge cancels a job and removes its files and its memory of it. It reports
// whether the server did so.
func (p printServer) purge(ctx context.Context, id int32, user string) (bool, error) {
	r := newRequest(ippCancelJob, user)
	r.attribute(tagInteger, "job-id", binary.BigEndian.AppendUint32(nil, uint32(id)))
	r.attribute(tagName, "requesting-user-name", []byte(user))
	r.attribute(tagBoolean, "purge-job", []byte{1})
	body, err := p.ask(ctx, r)
	if errors.Is(err, errRefused) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("purge a print job: %w", err)
	}
	status, _, err := parseJobs(body)
	if err != nil {
		return false, fmt.Errorf("purge a print job: %w", err)
	}
	return status < 0x0400 || status == ippNotFound, nil
}

// ask sends one request and returns the answer's IPP part.
func (p printServer) ask(ctx context.Context, r *request) ([]byte, error) {
	r.WriteByte(tagEnd)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	limit := 3 * time.Second
	if end, ok := ctx.Deadline(); ok {
		limit = max(min(limit, time.Until(end)), time.Millisecond)
	}
	wait := unix.NsecToTimeval(limit.Nanoseconds())
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &wait); err != nil {
			return nil, err
		}
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: p.socket})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, errNoServer
	}
	if err != nil {
		return nil, err
	}
	message := append(fmt.Appendf(nil, "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/ipp\r\nContent-Length: %d\r\n\r\n", r.Len()), r.Bytes()...)
	for len(message) > 0 {
		n, err := unix.SendmsgN(fd, message, nil, nil, unix.MSG_NOSIGNAL)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
		message = message[max(n, 0):]
	}
	var answer []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if answer = append(answer, buf[:n]...); len(answer) > answerLimit {
			return nil, errors.New("the answer is too long")
		}
		if complete(answer) { // the server may keep the line open, after a refusal for example
			break
		}
	}
	return httpBody(answer)
}

// complete reports whether an answer that says how long it is is that long.
func complete(answer []byte) bool {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	for line := range strings.SplitSeq(string(head), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if n, err := strconv.Atoi(strings.TrimSpace(value)); ok && err == nil && strings.EqualFold(name, "Content-Length") {
			return len(body) >= n
		}
	}
	return false
}

// httpBody takes the body out of an HTTP/1.0 answer.
func httpBody(answer []byte) ([]byte, error) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	line, _, _ := strings.Cut(string(head), "\r\n")
	f := strings.Fields(line)
	if ok && len(f) > 1 && (f[1] == "401" || f[1] == "403") {
		return nil, errRefused
	}
	if !ok || len(f) < 2 || !strings.HasPrefix(f[0], "HTTP/1.") || f[1] != "200" {
		return nil, fmt.Errorf("the server answers %.40q", line)
	}
	return body, nil
}

// parseJobs reads an IPP answer: its status and the jobs in it.
func parseJobs(b []byte) (status uint16, jobs []job, err error) {
	status, err = parse(b, tagJob, func() { jobs = append(jobs, job{}) }, func(name string, value []byte) {
		j, number := &jobs[len(jobs)-1], int32(0)
		if len(value) == 4 {
			number = int32(binary.BigEndian.Uint32(value))
		}
		switch name {
		case "job-id":
			j.id = number
		case "job-state":
			j.state = number
		case "time-at-creation":
			j.created = number
		case "job-originating-user-name":
			j.owner = string(value)
		}
	})
	if err != nil {
		return 0, nil, err
	}
	return status, jobs, nil
}

// parse reads an IPP answer: its status, where groups of a kind begin, and the
// attributes in them.
func parse(b []byte, group byte, begins func(), attribute func(name string, value []byte)) (status uint16, err error) {
	short := errors.New("the answer is cut short")
	if len(b) < 8 {
		return 0, short
	}
	status, b = binary.BigEndian.Uint16(b[2:]), b[8:]
	take := func() ([]byte, bool) {
		if len(b) < 2 {
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			return nil, false
		}
		v := b[2 : 2+n]
		b = b[2+n:]
		return v, true
	}
	inside := false
	for {
		if len(b) == 0 {
			return 0, short
		}
		tag := b[0]
		b = b[1:]
		if tag == tagEnd {
			return status, nil
		}
		if tag < 0x10 { // the begin of a group
			if inside = tag == group; inside {
				begins()
			}
			continue
		}
		name, ok := take()
		if !ok {
			return 0, short
		}
		value, ok := take()
		if !ok {
			return 0, short
		}
		if inside {
			attribute(string(name), value)
		}
	}
}

// Printers asks the print server at a socket how many printers it has.
func Printers(ctx context.Context, socket string) (n int, err error) {
	r := newRequest(cupsGetPrinters, "")
	r.attribute(tagKeyword, "requested-attributes", []byte("printer-name"))
	body, err := printServer{socket}.ask(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("count the printers: %w", err)
	}
	status, err := parse(body, tagPrinter, func() { n++ }, func(string, []byte) {})
	if err != nil {
		return 0, fmt.Errorf("count the printers: %w", err)
	}
	if status >= 0x0400 && status != ippNotFound {
		return 0, fmt.Errorf("count the printers: the server refuses (%#04x)", status)
	}
	return n, nil
}
