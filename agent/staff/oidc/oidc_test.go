package oidc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/staff/oidc"
)

// service is a sign-in service that lies on request.
type service struct {
	*httptest.Server
	key       *rsa.PrivateKey
	challenge string // of the browser that set out
	claims    map[string]any
	forge     bool // sign with a key that the service does not publish
	calls     int
}

func newService(t *testing.T) *service {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		s.calls++
		json.NewEncoder(w).Encode(map[string]any{"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
			"jwks_uri": s.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if id != "yhteiskone" || secret != "s3cret" || r.PostFormValue("code") != "good" || text(sum[:]) != s.challenge ||
			r.PostFormValue("redirect_uri") != "https://agent.test/sign-in/provider/back" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"error":"invalid_grant","error_description":"s3cret words"}`))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": s.sign(t)})
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (s *service) sign(t *testing.T) string {
	key := s.key
	if s.forge {
		key, _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	body, err := json.Marshal(s.claims)
	if err != nil {
		t.Fatal(err)
	}
	head := text([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + text(body)
	sum := sha256.Sum256([]byte(head))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return head + "." + text(signature)
}

func TestProvider(t *testing.T) {
	s := newService(t)
	p := oidc.New(oidc.Config{Issuer: s.URL, Client: "yhteiskone", Secret: "s3cret", Return: "https://agent.test/sign-in/provider/back"})
	way := staff.Passage{State: "st", Nonce: "no", Verifier: strings.Repeat("v", 50)}
	to, err := p.Start(t.Context(), way)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(to, s.URL+"/authorize?") || q.Get("state") != "st" || q.Get("nonce") != "no" || q.Get("code_challenge_method") != "S256" ||
		q.Get("redirect_uri") != "https://agent.test/sign-in/provider/back" || q.Get("response_type") != "code" || q.Get("scope") != "openid email" {
		t.Errorf("sent to %s", to)
	}
	if strings.Contains(to, way.Verifier) || strings.Contains(to, "s3cret") {
		t.Error("a secret is in the address")
	}
	s.challenge = q.Get("code_challenge")
	now := time.Now()
	good := func() map[string]any {
		return map[string]any{"iss": s.URL, "aud": "yhteiskone", "sub": "7", "nonce": "no", "exp": now.Add(time.Minute).Unix(),
			"iat": now.Unix(), "email": "Satu@example.fi", "email_verified": true}
	}
	s.claims = good()
	who, err := p.Finish(t.Context(), "good", way)
	if want := (staff.Identity{Subject: s.URL + " 7", Mail: "Satu@example.fi", Verified: true}); err != nil || who != want {
		t.Errorf("%+v %v", who, err)
	}
	for name, lie := range map[string]func(map[string]any){
		"another issuer":   func(c map[string]any) { c["iss"] = "https://evil.test" },
		"another audience": func(c map[string]any) { c["aud"] = "another" },
		"another sign-in":  func(c map[string]any) { c["nonce"] = "other" },
		"no nonce":         func(c map[string]any) { delete(c, "nonce") },
		"too old":          func(c map[string]any) { c["exp"] = now.Add(-time.Minute).Unix() },
		"nobody":           func(c map[string]any) { delete(c, "sub") },
		"odd words":        func(c map[string]any) { c["email"] = 7 },
	} {
		s.claims = good()
		lie(s.claims)
		if who, err := p.Finish(t.Context(), "good", way); err == nil {
			t.Errorf("%s: %+v", name, who)
		}
	}
	s.claims, s.forge = good(), true
	if _, err := p.Finish(t.Context(), "good", way); err == nil {
		t.Error("a forged signature passed")
	}
	s.forge = false
	if _, err := p.Finish(t.Context(), "bad", way); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a wrong code: %v", err)
	}
	stolen := way
	stolen.Verifier = strings.Repeat("w", 50)
	if _, err := p.Finish(t.Context(), "good", stolen); err == nil {
		t.Error("a code that another browser stole passed")
	}
	if s.calls != 1 {
		t.Errorf("the service was asked about itself %d times", s.calls)
	}
	s.claims = good()
	s.claims["email_verified"] = false
	if who, err := p.Finish(t.Context(), "good", way); err != nil || who.Verified {
		t.Errorf("an address that was not verified: %+v %v", who, err)
	}
}

// A service that does not answer is asked again the next time.
func TestProviderComesBack(t *testing.T) {
	s := newService(t)
	handler, down := s.Config.Handler, true
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		handler.ServeHTTP(w, r)
	})
	p := oidc.New(oidc.Config{Issuer: s.URL, Client: "yhteiskone", Return: "https://agent.test/back"})
	if _, err := p.Start(t.Context(), staff.Passage{}); err == nil {
		t.Fatal("a dead service answered")
	}
	down = false
	if _, err := p.Start(t.Context(), staff.Passage{}); err != nil {
		t.Error(err)
	}
}
