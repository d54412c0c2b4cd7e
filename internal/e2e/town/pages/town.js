// What every page of the town does: tell the server what happened, and put the
// focus where a client would act next.
async function tell(event, detail) {
  await fetch('/kerro', {method: 'POST', body: JSON.stringify({event, detail: detail ?? null}), keepalive: true});
}
// place is the middle of a control in pixels of the screen. The browser's own
// bars are above the page.
function place(el) {
  const r = el.getBoundingClientRect(), k = devicePixelRatio;
  return {X: Math.round((screenX + r.left + r.width / 2) * k), Y: Math.round((screenY + outerHeight - innerHeight + r.top + r.height / 2) * k)};
}
const twoFrames = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
// ready says "shown" when the control is on the screen, and "at" each time the
// keyboard arrives there.
async function ready(name, el) {
  el.focus();
  await twoFrames();
  tell('shown:' + name, place(el));
  // a key that does nothing, by which the client knows that keys arrive
  addEventListener('keydown', e => { if (e.key === 'F8') tell('awake:' + name); });
  let had = false;
  const look = () => {
    const has = document.hasFocus() && document.activeElement === el;
    if (has && !had) tell('at:' + name, place(el));
    had = has;
    if (el.dataset.over) return;
    if (document.hasFocus() && document.activeElement === document.body) el.focus();
    setTimeout(look, 30);
  };
  look();
}
const over = el => { el.dataset.over = '1'; };
// report says what the browser held before this visit did anything.
async function report() {
  const databases = (await indexedDB.databases()).map(d => d.name);
  const workers = (await navigator.serviceWorker.getRegistrations()).length;
  const cached = await (await fetch('/kakku', {cache: 'force-cache'})).text();
  await tell('report', {cookies: document.cookie, local: Object.keys(localStorage), session: Object.keys(sessionStorage),
    database: databases, workers, caches: await caches.keys(), cached,
    fields: [...document.querySelectorAll('input:not([type=hidden])')].map(i => i.value).filter(v => v),
    history: history.length, referrer: document.referrer, name: window.name});
}
// identify opens the pop-up and goes on when it says that the client is known.
function identify(button) {
  button.addEventListener('click', () => {
    const w = open(button.dataset.address, 'tunnistus', 'popup,width=860,height=520');
    tell(w ? 'popup_opened' : 'popup_refused');
  });
  addEventListener('message', e => {
    if (e.origin !== location.origin || e.data !== 'tunnistettu') return;
    over(button);
    location.href = '/tunnistettu';
  });
}
