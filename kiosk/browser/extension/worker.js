'use strict';
// What the kiosk needs inside the client's browser: a blocked page says so in
// plain words, and pages take the size that the client chose while they are
// open. It may not read or change any page, and it sends nothing: what it knows
// of an address is the host, which it hands to our own page behind a "#".
//
// The block list is Chromium's own; without this extension pages stay blocked
// and only Chromium's words are shown instead of ours.

// said is what the kiosk says, through the policy: pages (where our own pages
// are), list (only the centre's block list holds), contrast, and sizes in
// percent, the one that holds now last. A browser that has just started hears
// it a moment later.
async function said() {
  for (let tries = 0; tries < 100; tries++) {
    const all = await chrome.storage.managed.get(['pages', 'list', 'contrast', 'sizes']);
    if (all.pages) return all;
    await new Promise(done => setTimeout(done, 100));
  }
  return {};
}

// safer is, by tab, the https address that was tried instead of an http one.
const safer = new Map();

// asked is, by tab, when its newest page was asked for. Nothing of ours may take
// the place of what the client asked for meanwhile.
const asked = new Map();

chrome.webNavigation.onBeforeNavigate.addListener(d => {
  if (d.frameId === 0) asked.set(d.tabId, d.timeStamp);
});
chrome.tabs.onRemoved.addListener(tab => {
  asked.delete(tab);
  safer.delete(tab);
});

chrome.webNavigation.onErrorOccurred.addListener(async d => {
  if (d.frameId !== 0 || d.error !== 'net::ERR_BLOCKED_BY_ADMINISTRATOR') return;
  const { pages, list } = await said();
  if (!pages || asked.get(d.tabId) > d.timeStamp) return;
  const url = new URL(d.url);
  const tried = safer.get(d.tabId) === d.url;
  safer.delete(d.tabId);
  const here = url.hostname === 'localhost' || url.hostname.endsWith('.localhost');
  if (url.protocol === 'http:' && !here) { // old links; the page itself may be allowed
    url.protocol = 'https:';
    safer.set(d.tabId, url.href);
    go(d.tabId, url.href);
    return;
  }
  const query = new URLSearchParams();
  if (list) query.set('list', '1');
  if (tried) query.set('steps', '3');
  const host = /^https?:$/.test(url.protocol) ? url.hostname : '';
  go(d.tabId, pages + '/blocked' + (query.size ? '?' + query : '') + '#' + host);
});

// In a browser that has just started a page can be blocked before anybody
// listens. It is tried once more.
chrome.runtime.onInstalled.addListener(async () => {
  for (const tab of await chrome.tabs.query({})) {
    const frame = await chrome.webNavigation.getFrame({ tabId: tab.id, frameId: 0 }).catch(() => null);
    if (frame?.errorOccurred) chrome.tabs.reload(tab.id).catch(() => {});
  }
});

const go = (tab, url) => chrome.tabs.update(tab, { url }).catch(() => {});

// resize gives a tab the size that holds now, if its own is one that we gave
// before: who made a page larger by hand keeps it.
async function resize(tab, sizes, always) {
  if (!sizes || sizes.length < 2) return; // nobody chose anything since the start
  const now = sizes[sizes.length - 1];
  try {
    const percent = Math.round(100 * await chrome.tabs.getZoom(tab));
    if (percent !== now && (always || sizes.includes(percent))) await chrome.tabs.setZoom(tab, now / 100);
  } catch { } // the tab is gone, or a page of Chromium's own
}

chrome.webNavigation.onCommitted.addListener(async d => {
  if (d.frameId === 0) resize(d.tabId, (await said()).sizes, false);
});

chrome.storage.managed.onChanged.addListener(async changes => {
  // The first change is that anything is said at all; it comes a while after
  // the browser's start, and a size may have been chosen meanwhile.
  const changed = name => changes[name] && changes[name].oldValue !== undefined;
  const { pages, sizes } = await said();
  for (const tab of await chrome.tabs.query({})) {
    if (changes.sizes) resize(tab.id, sizes, true);
    if (!changed('list') && !changed('contrast')) continue;
    // Our own pages that are open say what holds now.
    const frame = await chrome.webNavigation.getFrame({ tabId: tab.id, frameId: 0 }).catch(() => null);
    if (frame && [pages + '/blocked', pages + '/home'].some(p => frame.url.startsWith(p))) chrome.tabs.reload(tab.id).catch(() => {});
  }
});
