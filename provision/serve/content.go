package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/lan"
	"yhteiskone/provision/write"
)

// content is an image as it is handed out.
type content struct {
	image  *write.Image
	files  map[string][]byte // kernel and first stage, by the name in their address
	line   string            // the kernel's line but for what this server adds
	list   lan.List
	listed []byte // the list as it is handed out
	sum    string // of that
}

// Where the parts of a start lie in the image.
const (
	kernelFile = "vmlinuz"
	stageFile  = "initrd.img"
	netFile    = "net.img"
	folder     = "EFI/kiosk/"
)

// grain is how closely it is looked where an image is empty.
const grain = 1 << 20

func noNet(why error) error {
	return &disk.Problem{Exit: disk.ExitInput, Code: "no_net_image", Text: fmt.Sprintf("The image cannot be started over a network: %v.", why),
		Todo: "Use the installer stick, or an image that this version's \"make image\" made."}
}

// look reads all of the image once, and says what there is to hand out.
func look(image *write.Image) (*content, error) {
	stretches, err := image.Stretches()
	if errors.Is(err, write.ErrPacked) {
		return nil, &disk.Problem{Exit: disk.ExitInput, Code: "packed_image", Text: image.Path + " is packed, and machines fetch it piece by piece.",
			Todo: "Unpack it with \"zstd -d\", and name the .img."}
	}
	if err != nil {
		return nil, noNet(err)
	}
	c := &content{image: image, files: map[string][]byte{}, list: lan.List{Size: image.Size}}
	for name, at := range map[string]string{kernelFile: "A/" + kernelFile, stageFile: "A/" + stageFile, netFile: netFile} {
		if c.files[name], err = image.StartFile(folder + at); err != nil {
			return nil, noNet(err)
		}
	}
	slot, err := image.StartFile(folder + "A/slot.cfg")
	if err != nil {
		return nil, noNet(err)
	}
	config, err := image.StartFile("EFI/debian/grub.cfg")
	if err != nil {
		return nil, noNet(err)
	}
	if c.line, err = kernelLine(string(config), string(slot)); err != nil {
		return nil, noNet(err)
	}
	for _, s := range stretches {
		if err := c.pieces(s); err != nil {
			return nil, fmt.Errorf("read the image: %w", err)
		}
	}
	if c.listed, err = json.Marshal(c.list); err != nil {
		return nil, fmt.Errorf("list the image: %w", err)
	}
	sum := sha256.Sum256(c.listed)
	c.sum = hex.EncodeToString(sum[:])
	return c, nil
}

// pieces lists what of a stretch is not empty.
func (c *content) pieces(s write.Stretch) error {
	buf, zero := make([]byte, grain), make([]byte, grain)
	var text []byte
	end := func(at int64) {
		if len(text) > 0 {
			sum := sha256.Sum256(text)
			c.list.Pieces = append(c.list.Pieces, lan.Piece{At: at - int64(len(text)), Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
			text = text[:0]
		}
	}
	for off := int64(0); off < s.Size; off += grain {
		part := buf[:min(grain, s.Size-off)]
		if _, err := io.ReadFull(io.NewSectionReader(c.image, s.At+off, int64(len(part))), part); err != nil {
			return err
		}
		if bytes.Equal(part, zero[:len(part)]) {
			end(s.At + off)
			continue
		}
		if text = append(text, part...); len(text)+grain > lan.Longest {
			end(s.At + off + int64(len(part)))
		}
	}
	end(s.At + s.Size)
	return nil
}

// wordESP says on which disk GRUB lies. Over the network there is none: with it
// the first stage would look for the slot beside it.
const wordESP = "kiosk.esp="

// kernelLine puts together what GRUB would: the line of grub.cfg, with what is
// set in slot.cfg.
func kernelLine(config, slot string) (string, error) {
	set := map[string]string{"slot": "A"}
	for l := range strings.Lines(slot) {
		if key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(l), "set "), "="); ok {
			set[key] = value
		}
	}
	for l := range strings.Lines(config) {
		words := strings.Fields(l)
		if len(words) < 3 || words[0] != "linux" {
			continue
		}
		var all []string
		for _, word := range words[2:] {
			if strings.HasPrefix(word, wordESP) {
				continue
			}
			if key, name, ok := strings.Cut(word, "=$"); ok {
				if set[name] == "" {
					return "", fmt.Errorf("slot.cfg does not say its %s", name)
				}
				word = key + "=" + set[name]
			}
			if strings.ContainsAny(word, "${}") {
				return "", fmt.Errorf("grub.cfg has %q", word)
			}
			all = append(all, word)
		}
		return strings.Join(all, " "), nil
	}
	return "", errors.New("grub.cfg starts no kernel")
}
