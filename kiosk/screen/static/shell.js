// The shell's own page: draws what it is sent and says what was pressed. It
// reads nothing else and stores nothing.
'use strict';
(() => {
  const root = document.getElementById('view');
  const bounce = 400;       // a second press of the same button this soon is a trembling hand
  const slip = 250;         // and of another one, a finger that slips
  const settle = 350;       // a fresh view takes no press yet: it was meant for the one before
  const guard = 700;        // a guarded button wakes up this late
  const forget = 60_000;    // an opened level nobody uses closes
  const knocks = 5;         // so many presses of F8, or on the machine's name,
  const knocked = 4000;     // so soon after one another open the technician's view
  let kind = '', level = '', shown = 0, turn = 0, idle = 0;
  let down = null;                        // when the finger or the key went down
  let pressed = -bounce, last = null;     // when the last press counted, and of which button
  let keyed = false;                      // the last thing used was the keyboard
  let knocking = [];                      // when somebody knocked

  // same makes the tree a look like b and keeps every element that it can: a
  // button must not vanish beneath a finger because a clock ticked.
  const same = (a, b) => {
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName ||
        (a.dataset && (a.dataset.press !== b.dataset.press || a.dataset.arg !== b.dataset.arg || a.dataset.open !== b.dataset.open) && !sized(a, b))) {
      a.replaceWith(b);
      return;
    }
    if (a.nodeType !== Node.ELEMENT_NODE) {
      if (a.data !== b.data) a.data = b.data;
      return;
    }
    for (const {name} of [...a.attributes]) if (!b.hasAttribute(name)) a.removeAttribute(name);
    for (const {name, value} of b.attributes) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
    children(a, b);
  };
  // "Larger" stays the button that it is while its argument grows, so that the
  // keyboard stays on it.
  const sized = (a, b) => a.dataset.press === 'size' && b.dataset.press === 'size';
  const children = (a, b) => {
    const want = [...b.childNodes], have = [...a.childNodes];
    want.forEach((w, i) => have[i] ? same(have[i], w) : a.append(w));
    have.slice(want.length).forEach(n => n.remove());
  };

  const visible = b => b.offsetParent !== null;
  const buttons = () => [...root.querySelectorAll('button:not([disabled])')].filter(visible);

  const open = name => {
    const levels = [...root.querySelectorAll('[data-level]')];
    level = levels.some(l => l.dataset.level === name) ? name : '';
    for (const l of levels) l.hidden = l.dataset.level !== level;
  };
  // enter opens a level as a view of its own.
  const enter = name => {
    open(name);
    shown = performance.now();
    const scroll = root.querySelector('.scroll');
    if (scroll) scroll.scrollTop = 0;
    fit.room(root);
    const next = [...root.querySelectorAll('[data-level]:not([hidden]) button')].find(visible);
    if (next && keyed) next.focus({focusVisible: true});
  };
  const close = () => { if (level !== '') enter(''); };
  const touched = () => { clearTimeout(idle); idle = setTimeout(close, forget); };

  const frames = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));

  // seen resolves once the frame that holds this moment's page has reached the
  // screen: the browser reports when a fresh dot was presented. Two frames
  // alone can be over before that, on a slow machine by a tenth of a second.
  let dot = null;
  const waiting = new Map();
  new PerformanceObserver(list => {
    for (const {identifier} of list.getEntries()) {
      const done = waiting.get(identifier);
      waiting.delete(identifier);
      if (done) done();
    }
  }).observe({type: 'element'});
  const seen = mine => new Promise(done => {
    waiting.clear();
    waiting.set(String(mine), () => done(true));
    const fresh = document.createElement('i');
    fresh.textContent = '.';
    fresh.ariaHidden = 'true';
    fresh.setAttribute('elementtiming', mine);
    if (dot) dot.remove();
    document.body.append(dot = fresh);
    // A browser that does not report it still draws.
    frames().then(() => setTimeout(() => done(true), 400));
  });

  // show draws a page and resolves once it stands on the screen in its size:
  // true, or false when a newer page has taken its place meanwhile.
  window.show = page => {
    const mine = ++turn, html = document.documentElement;
    html.lang = page.lang;
    html.dir = page.dir;
    const fresh = document.createElement('template');
    fresh.innerHTML = page.html;
    if (kind !== page.kind) {
      kind = page.kind;
      level = '';
        shown = performance.now();
      root.replaceChildren(fresh.content);
      document.title = page.kind;
    } else {
      children(root, fresh.content);
    }
    open(level);
    fit.sheet(root, page);
    const first = root.querySelector('[data-focus]') || (keyed && root.querySelector('[data-first]'));
    if (first && !root.contains(document.activeElement)) first.focus({focusVisible: true});
    return new Promise(done => {
      const look = () => {
        if (mine !== turn) done(false);
        else if (innerWidth === page.w && innerHeight === page.h) { fit.sheet(root, page); seen(mine).then(done); }
        else requestAnimationFrame(look);
      };
      look();
    });
  };
  window.measure = fit.measure;
  window.probe = frames;
  // reach puts the keyboard on the page's first button.
  window.reach = () => {
    keyed = true;
    const [first] = buttons();
    if (first) first.focus({focusVisible: true});
  };
  addEventListener('resize', () => fit.room(root));

  // asleep: a press that began before the view was up, or too soon after, was
  // meant for another one. Nothing on the strip itself does harm at once, and it
  // stands still at the edge: there a glance is enough.
  const asleep = (button, began) =>
    began - shown < ('guard' in button.dataset ? guard : kind === 'strip' ? settle / 2 : settle);
  // A press on a button that still sleeps must not give it the keyboard either.
  addEventListener('mousedown', event => {
    const button = event.target.closest('button');
    if (button && asleep(button, event.timeStamp)) event.preventDefault();
  }, true);
  addEventListener('pointerdown', event => { down = event.timeStamp; keyed = false; touched(); }, true);

  const act = (button, began) => {
    const now = performance.now();
    if (asleep(button, began) || button.ariaDisabled === 'true') return;
    if ('scroll' in button.dataset) { // as often as one likes: it does nothing but move
      const scroll = root.querySelector('.scroll');
      scroll.scrollTop += button.dataset.scroll * scroll.clientHeight * .7;
      fit.arrows(root);
      return;
    }
    if (now - pressed < (button === last ? bounce : slip)) return;
    pressed = now;
    last = button;
    if ('open' in button.dataset) { enter(button.dataset.open); return; }
    if (button.dataset.press === 'language') close();
    if (button.dataset.press) window.press(button.dataset.press, button.dataset.arg || '');
  };
  const knock = now => {
    knocking = [...knocking, now].slice(-knocks);
    if (knocking.length < knocks || now - knocking[0] > knocked) return;
    knocking = [];
    window.press('technician', '');
  };
  addEventListener('click', event => {
    const button = event.target.closest('button'), began = down;
    down = null;
    if (event.target.closest('.machine')) knock(event.timeStamp);
    if (button) act(button, began === null ? performance.now() : began);
  });

  // toward finds the button that lies nearest in a direction.
  const toward = (from, key) => {
    const middle = b => { const r = b.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
    const [x, y] = middle(from), sideways = key === 'ArrowLeft' || key === 'ArrowRight';
    const sign = key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 1;
    let best = null, least = Infinity;
    for (const b of buttons()) {
      const [bx, by] = middle(b);
      const along = sign * (sideways ? bx - x : by - y), across = Math.abs(sideways ? by - y : bx - x);
      if (b === from || along < 8 || across > along * 4) continue;
      const cost = along + 3 * across;
      if (cost < least) [best, least] = [b, cost];
    }
    return best;
  };

  // An --app window obeys its own short cuts unless the page takes them away.
  const taken = e => e.ctrlKey || e.altKey || e.metaKey || /^(F\d+|ContextMenu|BrowserBack|BrowserForward|BrowserRefresh|BrowserHome)$/.test(e.key) ||
    (e.shiftKey && e.key === 'Escape');
  addEventListener('keydown', event => {
    touched();
    keyed = true;
    if (event.key === 'F8' && !event.repeat && root.querySelector('.curtain')) knock(event.timeStamp);
    if (taken(event) || (event.repeat && (event.key === 'Enter' || event.key === ' '))) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') down = event.timeStamp;
    if (event.key === 'Escape') {
      event.preventDefault();
      const way = [...root.querySelectorAll('[data-escape]')].find(visible);
      if (way) act(way, event.timeStamp);
      else if (root.querySelector('.strip')) window.press('back', '');
      return;
    }
    if (!/^Arrow/.test(event.key)) return;
    if (event.target.matches('.scroll')) return; // it scrolls
    event.preventDefault();
    const all = buttons(), from = all.includes(document.activeElement) ? document.activeElement : null;
    const next = from ? toward(from, event.key) : all[0];
    if (next) next.focus({focusVisible: true});
    fit.arrows(root);
  }, true);
  root.addEventListener('scroll', () => fit.arrows(root), true);
  for (const type of ['contextmenu', 'dragstart', 'drop', 'dragover', 'auxclick'])
    addEventListener(type, event => event.preventDefault(), true);
  addEventListener('wheel', event => { if (event.ctrlKey) event.preventDefault(); }, {passive: false, capture: true});
})();
