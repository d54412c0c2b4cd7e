// What every page of the test site does: say that it is there, and what comes.
const N = new URLSearchParams(location.search).get('n') || '';
function tell(event, detail) {
  return fetch('/tell?n=' + N, {method: 'POST', body: JSON.stringify({event, detail: detail ?? null}), keepalive: true}).catch(() => {});
}
// place is the middle of a thing in pixels of the screen. The browser's own
// bars are above the page.
function place(el) {
  const r = el.getBoundingClientRect(), k = devicePixelRatio;
  return {X: Math.round((screenX + r.left + r.width / 2) * k), Y: Math.round((screenY + outerHeight - innerHeight + r.top + r.height / 2) * k)};
}
const twoFrames = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
function size() { return {W: innerWidth, H: innerHeight}; }
function combination(e) {
  return (e.ctrlKey ? 'ctrl+' : '') + (e.altKey ? 'alt+' : '') + (e.shiftKey ? 'shift+' : '') + (e.metaKey ? 'super+' : '') + e.key.toLowerCase();
}
addEventListener('keydown', e => tell('key:' + combination(e)), true);
addEventListener('resize', () => tell('size', size()));
addEventListener('beforeprint', () => tell('printing'));
addEventListener('contextmenu', () => tell('menu'));
addEventListener('mousedown', e => tell('mouse:' + e.button), true);
addEventListener('dragstart', () => tell('dragstart'), true);
addEventListener('fullscreenchange', () => tell('fullscreen', !!document.fullscreenElement));
addEventListener('pageshow', e => { if (e.persisted) tell('back'); });
addEventListener('pagehide', () => tell('left'));
// attempt tries something and says how it ended.
async function attempt(name, f) {
  try {
    tell('asks:' + name);
    const v = await f();
    await tell('did:' + name, String(v).slice(0, 200));
  } catch (e) {
    await tell('refused:' + name, String(e).slice(0, 200));
  }
}
addEventListener('load', async () => {
  await twoFrames();
  const places = {};
  for (const el of document.querySelectorAll('[id]')) places[el.id] = place(el);
  tell('shown', {Places: places, History: history.length, ...size()});
});
