package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"yhteiskone/internal/dev/guest"
	"yhteiskone/internal/dev/stage"
)

// restarts is how soon after its start a kiosk may end and be started again;
// one that ends sooner is broken.
const restarts = 5 * time.Second

// open chooses the folder. Simulated kiosks keep no keys, so a run with some
// begins anew each time, in a folder of its own.
func open(kiosks int) (*stage.Stage, error) {
	who, err := guest.Find()
	if err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(here, "run")
	if !who.Reaches(data) || len(data) > stage.PathLimit-len("/many") {
		data = fmt.Sprintf("/var/tmp/yhteiskone-run-%d", who.UID)
	}
	if kiosks > 1 {
		if err := who.MkdirAll(data); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
		data += "/many"
	}
	return stage.Open(who, data, kiosks > 1, os.Stdout)
}

// play starts everything, says where it is, and waits for the end.
func play(ctx context.Context, s *stage.Stage, kiosks int) error {
	agent, err := s.StartAgent(ctx, false)
	if err != nil {
		return err
	}
	name, code, err := s.AddPerson(ctx)
	if err != nil {
		return err
	}
	screen, err := s.OpenScreen(ctx, true)
	if err != nil {
		return err
	}
	if err := s.Enrol(ctx); err != nil {
		return err
	}
	gone := make(chan error, 8)
	watch := func(p *stage.Part) {
		go func() {
			<-p.Done()
			gone <- p.Ended()
		}()
	}
	watch(agent.Part)
	watch(screen.Part)
	kiosk, err := s.StartKiosk(ctx, stage.Kiosk{Screen: screen})
	if err != nil {
		return err
	}
	if kiosks > 1 {
		p, err := s.Start("simulate", nil, "agent", "simulate", "--data", s.File("agent"),
			"--kiosks", strconv.Itoa(kiosks-1), "--sites", strconv.Itoa(min(3, kiosks-1)))
		if err != nil {
			return err
		}
		watch(p)
	}
	tell(s, agent, name, code, screen, kiosks)
	for {
		begin := time.Now()
		select {
		case <-ctx.Done():
			s.Say("\nStopping.")
			return nil
		case err := <-gone:
			return err
		case <-kiosk.Done():
			if time.Since(begin) < restarts {
				return kiosk.Ended()
			}
			s.Say("%v.\nIt is started again, as a machine would.", kiosk.Ended())
			if kiosk, err = s.StartKiosk(ctx, stage.Kiosk{Screen: screen}); err != nil {
				return err
			}
		}
	}
}

// tell says where everything is and what can be done with it.
func tell(s *stage.Stage, agent *stage.Agent, name, code string, screen *stage.Screen, kiosks int) {
	s.Say("")
	s.Say("Yhteiskone runs. Its data and its logs are in %s", s.Data)
	s.Say("")
	s.Say("  dashboard   %s/  (the browser warns: this agent's certificate is its own,", agent.Base)
	s.Say("              by the authority in %s)", s.File("agent/authority.pem"))
	s.Say("  sign in     %s, one-time code %s", name, code)
	s.Say("  kiosk       %s at %s, display %s", stage.KioskName, stage.SiteName, screen.Display)
	if kiosks > 1 {
		s.Say("              and %d simulated ones", kiosks-1)
	}
	s.Say("")
	env := fmt.Sprintf("DISPLAY=%s XAUTHORITY=%s", screen.Display, screen.Cookie)
	switch {
	case screen.Window:
		s.Say("  its screen  is the window \"Yhteiskone\"")
	case screen.VNC != "":
		s.Say("  its screen  VNC at %s, password %s (from another machine:", screen.VNC, screen.Secret)
		s.Say("              ssh -L 5900:%s HOST, then a viewer on localhost:5900)", screen.VNC)
	}
	s.Say("  a picture   %s import -window root kiosk.png", env)
	s.Say("  a press     %s xdotool mousemove 683 500 click 1", env)
	kiosk := fmt.Sprintf("%s status --config %s", s.File("bin/kiosk"), s.Config())
	if s.Who.Other() {
		kiosk = "runuser -u yhteiskone -- " + kiosk
	}
	s.Say("  its state   %s", kiosk)
	s.Say("")
	s.Say("Ctrl-C stops all of it.")
}
