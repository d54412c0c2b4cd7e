// An invitation's link carries its code behind the "#", which browsers send to
// nobody. This moves it into the form, and out of the address and the history.
"use strict";
(() => {
  if (!location.hash) return;
  const [code, name] = location.hash.slice(1).split("/");
  history.replaceState(null, "", location.pathname + location.search);
  const fill = (id, text) => {
    const field = document.getElementById(id);
    if (!field || field.value || !text) return;
    try { field.value = decodeURIComponent(text); } catch { /* not ours */ }
  };
  fill("code", code);
  fill("name", name);
  const first = document.querySelector("main input:invalid");
  if (first) first.focus();
})();
