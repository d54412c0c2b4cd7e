// The shell's own page: draws what it is sent and says what was pressed. It
// reads nothing else and stores nothing.
'use strict';
(() => {
  const root = document.getElementById('view');
  const bounce = 400;       // a second press this soon is a trembling hand
  const guard = 700;        // a guarded button wakes up this late
  const forget = 60_000;    // an opened level nobody uses closes
  let kind = '', level = '', shown = 0, pressed = -bounce, turn = 0, idle = 0;

  // same makes the tree a look like b and keeps every element that it can: a
  // button must not vanish beneath a finger because a clock ticked.
  const same = (a, b) => {
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName ||
        (a.dataset && (a.dataset.press !== b.dataset.press || a.dataset.arg !== b.dataset.arg || a.dataset.open !== b.dataset.open))) {
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
  const children = (a, b) => {
    const want = [...b.childNodes], have = [...a.childNodes];
    want.forEach((w, i) => have[i] ? same(have[i], w) : a.append(w));
    have.slice(want.length).forEach(n => n.remove());
  };

  const open = name => {
    const levels = [...root.querySelectorAll('[data-level]')];
    level = levels.some(l => l.dataset.level === name) ? name : '';
    for (const l of levels) l.hidden = l.dataset.level !== level;
  };
  const close = () => { if (level !== '') open(''); };
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
    html.style.fontSize = 16 * page.scale + 'px';
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
    const first = root.querySelector('[data-focus]');
    if (first && !root.contains(document.activeElement)) first.focus({focusVisible: true});
    return new Promise(done => {
      const look = () => {
        if (mine !== turn) done(false);
        else if (innerWidth === page.w && innerHeight === page.h) seen(mine).then(done);
        else requestAnimationFrame(look);
      };
      look();
    });
  };
  window.probe = frames;
  // reach puts the keyboard on the page's first button.
  window.reach = () => {
    const first = [...root.querySelectorAll('button')].find(b => b.offsetParent !== null);
    if (first) first.focus({focusVisible: true});
  };

  const asleep = button => 'guard' in button.dataset && performance.now() - shown < guard;
  // A press on a button that still sleeps must not give it the keyboard either.
  addEventListener('mousedown', event => {
    const button = event.target.closest('button');
    if (button && asleep(button)) event.preventDefault();
  }, true);
  addEventListener('click', event => {
    const button = event.target.closest('button');
    const now = performance.now();
    if (!button || now - pressed < bounce || asleep(button)) return;
    pressed = now;
    if ('open' in button.dataset) {
      open(button.dataset.open);
      const next = root.querySelector('[data-level]:not([hidden]) button');
      if (next && event.detail === 0) next.focus(); // opened by a key: go on there
      return;
    }
    if (button.dataset.press === 'language') close();
    if (button.dataset.press) window.press(button.dataset.press, button.dataset.arg || '');
  });

  // An --app window obeys its own short cuts unless the page takes them away.
  const taken = e => e.ctrlKey || e.altKey || e.metaKey || /^(F\d+|ContextMenu|BrowserBack|BrowserForward|BrowserRefresh|BrowserHome)$/.test(e.key) ||
    (e.shiftKey && e.key === 'Escape');
  addEventListener('keydown', event => {
    touched();
    if (taken(event) || (event.repeat && (event.key === 'Enter' || event.key === ' '))) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === 'Escape') {
      event.preventDefault();
      if (kind === 'confirm') window.press('end_no', '');
      else if (level !== '') close();
      else if (root.querySelector('.strip')) window.press('back', '');
      return;
    }
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...root.querySelectorAll('button')].filter(b => b.offsetParent !== null);
    const at = all.indexOf(document.activeElement);
    if (all.length) all[at < 0 ? 0 : (at + step + all.length) % all.length].focus();
  }, true);
  addEventListener('pointerdown', touched, true);
  for (const type of ['contextmenu', 'dragstart', 'drop', 'dragover', 'auxclick'])
    addEventListener(type, event => event.preventDefault(), true);
  addEventListener('wheel', event => { if (event.ctrlKey) event.preventDefault(); }, {passive: false, capture: true});
})();
