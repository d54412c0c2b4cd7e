// How a page finds room for its words: sizes, what gives way, and arrows for
// what is longer than the screen.
'use strict';
const fit = (() => {
  const most = 10; // steps in which a row gives way

  // dress gives a sheet the size, the colours and the direction of a page.
  const dress = (sheet, page) => {
    sheet.style.setProperty('--u', page.scale + 'px');
    sheet.style.setProperty('--f', page.size / 100);
    sheet.toggleAttribute('data-large', page.size >= 125);
    sheet.classList.toggle('contrast', page.contrast);
    sheet.lang = page.lang;
    sheet.dir = page.dir;
  };

  // rows lets each row give way step by step until it holds its words.
  const rows = sheet => {
    for (const row of sheet.querySelectorAll('[data-fit]')) {
      row.removeAttribute('data-tight');
      for (let step = 1; step <= most && row.scrollWidth > row.clientWidth; step++)
        row.dataset.tight = [...Array(step).keys()].map(n => n + 1).join(' ');
    }
  };

  // arrows shows the two arrows while there is something to scroll to.
  const arrows = sheet => {
    const scroll = sheet.querySelector('.scroll'), box = sheet.querySelector('.arrows');
    if (!scroll || !box) return;
    const long = () => scroll.scrollHeight > scroll.clientHeight + 2;
    box.hidden = true;
    box.hidden = !long();
    // Without a button in it, the page itself takes the keyboard to be scrolled.
    if (!box.hidden && !scroll.querySelector('button')) scroll.tabIndex = 0;
    else scroll.removeAttribute('tabindex');
    const [up, down] = box.querySelectorAll('button');
    up.setAttribute('aria-disabled', scroll.scrollTop < 2);
    down.setAttribute('aria-disabled', scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 2);
  };

  // measure tells how many pixels high a page of the strip wants to be.
  const measure = page => {
    const sheet = document.createElement('div');
    sheet.id = 'measure';
    sheet.className = 'sheet';
    sheet.ariaHidden = 'true';
    sheet.style.inlineSize = page.w + 'px';
    sheet.innerHTML = page.html;
    dress(sheet, page);
    document.body.append(sheet);
    rows(sheet);
    const height = Math.ceil(sheet.getBoundingClientRect().height);
    sheet.remove();
    return height;
  };

  // tall lets a page that was to be one picture be scrolled after all.
  const tall = sheet => {
    const level = sheet.querySelector('.welcome .level:not([hidden])');
    if (level && level.scrollHeight > level.clientHeight + 1) sheet.toggleAttribute('data-large', true);
  };

  // room: arrows take room of a row themselves, and a row that gave way may make
  // them needless.
  const room = sheet => { rows(sheet); arrows(sheet); rows(sheet); arrows(sheet); };

  const sheet = (root, page) => { dress(root, page); tall(root); room(root); };
  return {sheet, room, arrows, measure};
})();
