// Keeps the page up to date and rings when somebody asks for help. Everything
// that it shows was drawn on the server; without this script the pages work
// the same, only not by themselves.
"use strict";
(() => {
  const silence = 25000; // the server says something every 10 s
  const again = 12000;   // between two rings
  const address = document.body.dataset.events;
  const lost = document.getElementById("lost");
  const button = document.getElementById("sound");
  const title = document.title;
  let source = null, heard = Date.now(), retry = 2000, leaving = false;

  // Parts of the page.

  function replace(html) {
    const box = document.createElement("template");
    box.innerHTML = html;
    const news = box.content.firstElementChild;
    const old = news && document.getElementById(news.id);
    if (!old || old.isEqualNode(news)) return;
    const active = old.contains(document.activeElement) ? document.activeElement.id : "";
    for (const d of old.querySelectorAll("details[open][id]")) {
      const same = box.content.getElementById(d.id);
      if (same) same.open = true;
    }
    // The element itself stays, so that a live region goes on speaking.
    for (const a of [...old.attributes]) if (!news.hasAttribute(a.name)) old.removeAttribute(a.name);
    for (const a of news.attributes) old.setAttribute(a.name, a.value);
    old.replaceChildren(...news.childNodes);
    if (old.dataset.rank) place(old);
    if (active) {
      const next = document.getElementById(active);
      if (next) next.focus({ preventScroll: true });
    }
  }

  // place moves a card to where its rank puts it among the others.
  function place(card) {
    const list = card.parentElement;
    const next = [...list.children].find((c) => c !== card && c.dataset.rank > card.dataset.rank) || null;
    if (card.nextElementSibling === next) return;
    const active = card.contains(document.activeElement) ? document.activeElement : null;
    list.insertBefore(card, next);
    if (active) active.focus({ preventScroll: true });
  }

  // The stream.

  function open() {
    source = new EventSource(address);
    source.addEventListener("fragment", (e) => { alive(); replace(e.data); ring(); });
    source.addEventListener("beat", alive);
    source.addEventListener("bye", () => {
      source.close();
      // A form that signs this page out is on its way; its answer counts.
      setTimeout(() => location.reload(), leaving ? 5000 : 0);
    });
    source.onerror = () => {
      lost.hidden = false;
      if (source.readyState === EventSource.CLOSED) later();
    };
  }

  function alive() {
    heard = Date.now();
    retry = 2000;
    lost.hidden = true;
  }

  document.addEventListener("submit", () => { leaving = true; });
  window.addEventListener("pageshow", () => { leaving = false; });

  // later tries anew when the browser gave up, which it does on any answer but
  // a stream. When the answer is the sign-in, the page goes there.
  function later() {
    source.close();
    setTimeout(async () => {
      try {
        const answer = await fetch(location.pathname, { method: "HEAD", redirect: "manual" });
        if (answer.type === "opaqueredirect") return location.reload();
      } catch { /* not back yet */ }
      open();
    }, retry * (0.5 + Math.random()));
    retry = Math.min(retry * 2, 30000);
  }

  setInterval(() => {
    if (Date.now() - heard <= silence || source.readyState === EventSource.CLOSED) return;
    lost.hidden = false;
    heard = Date.now();
    source.close();
    open();
  }, 5000);

  // Ringing: the title, and a sound when the browser lets us.

  let audio = null, last = 0, rung = new Set();

  function muted() {
    try { return localStorage.getItem("muted") === "yes"; } catch { return false; }
  }

  function show() {
    button.hidden = false;
    button.dataset.state = muted() ? "off" : audio && audio.state === "running" ? "on" : "ask";
  }

  function ring() {
    const calls = [...document.querySelectorAll("#calls [data-ring]")].map((c) => c.id);
    const heading = document.querySelector("#summary h1");
    document.title = (calls.length ? "(" + calls.length + ") " : "") + (heading ? heading.textContent + title.slice(title.lastIndexOf(" – ")) : title);
    const fresh = calls.some((id) => !rung.has(id));
    rung = new Set(calls);
    if (calls.length && (fresh || Date.now() - last >= again)) sound();
  }

  // sound plays two soft tones, the second one lower.
  function sound() {
    if (muted() || !audio || audio.state !== "running") return;
    last = Date.now();
    document.documentElement.dataset.rung = String(Number(document.documentElement.dataset.rung || 0) + 1);
    [[880, 0], [660, 0.35], [880, 0.9], [660, 1.25]].forEach(([pitch, at]) => {
      const tone = audio.createOscillator(), level = audio.createGain(), start = audio.currentTime + at;
      tone.frequency.value = pitch;
      level.gain.setValueAtTime(0, start);
      level.gain.linearRampToValueAtTime(0.35, start + 0.03);
      level.gain.exponentialRampToValueAtTime(0.001, start + 0.5);
      tone.connect(level).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.55);
    });
  }

  // wake asks the browser for leave to sound; it says yes only after a press.
  async function wake() {
    if (!window.AudioContext) return;
    audio = audio || new AudioContext();
    audio.onstatechange = () => { show(); ring(); };
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    try { await audio.resume(); } catch { /* still not allowed */ }
    show();
    ring();
  }

  button.addEventListener("click", () => {
    const off = button.dataset.state === "on";
    try { localStorage.setItem("muted", off ? "yes" : "no"); } catch { /* remembered until the page goes */ }
    if (!off) wake();
    show();
  });
  for (const press of ["pointerdown", "keydown"]) {
    document.addEventListener(press, (e) => {
      if (!button.contains(e.target) && (!audio || audio.state !== "running")) wake();
    });
  }
  setInterval(ring, 4000);

  for (const print of document.querySelectorAll("[data-print]")) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  // A list that is folded out over the page folds in again.
  const more = document.getElementById("more");
  document.addEventListener("pointerdown", (e) => { if (more && !more.contains(e.target)) more.open = false; });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || !more || !more.open) return;
    more.open = false;
    more.firstElementChild.focus();
  });

  wake();
  show();
  ring();
  open();
})();
