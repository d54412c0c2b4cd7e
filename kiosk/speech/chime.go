package speech

import (
	"bytes"
	"encoding/binary"
	"math"
)

// The chime: two soft tones, the second a fifth lower, about a second.
const (
	sampleRate = 22050
	toneLength = sampleRate * 45 / 100
	loudness   = 0.25
)

// chime is the chime as a WAV file.
func chime() []byte {
	var samples []int16
	for _, pitch := range []float64{784, 523.25} {
		for i := range toneLength {
			t := float64(i) / sampleRate
			rise := min(1, t/0.02) // no click at the beginning
			rest := math.Min(1, (float64(toneLength)/sampleRate-t)/0.05)
			wave := math.Sin(2*math.Pi*pitch*t) + 0.2*math.Sin(4*math.Pi*pitch*t)
			samples = append(samples, int16(math.MaxInt16*loudness*rise*rest*math.Exp(-4*t)*wave))
		}
	}
	size := uint32(2 * len(samples))
	var out bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if s, ok := v.(string); ok {
				out.WriteString(s)
				continue
			}
			_ = binary.Write(&out, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	const plainPCM, channels, bytesPerSample = uint16(1), uint16(1), 2
	put("RIFF", 36+size, "WAVE", "fmt ", uint32(16), plainPCM, channels, uint32(sampleRate),
		uint32(sampleRate*bytesPerSample), uint16(bytesPerSample), uint16(8*bytesPerSample), "data", size, samples)
	return out.Bytes()
}
