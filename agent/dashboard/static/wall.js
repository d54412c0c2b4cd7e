// Keeps the board up to date, and says so when it is not.
"use strict";
(() => {
  const silence = 25000; // the server says something every 10 s
  const lost = document.getElementById("lost");
  let source = null, heard = Date.now(), retry = 2000;

  function open() {
    source = new EventSource(document.body.dataset.events);
    source.addEventListener("fragment", (e) => {
      const box = document.createElement("template");
      box.innerHTML = e.data;
      const news = box.content.firstElementChild;
      const old = news && document.getElementById(news.id);
      if (old && !old.isEqualNode(news)) old.replaceWith(news);
      alive();
    });
    source.addEventListener("beat", alive);
    source.addEventListener("bye", () => { source.close(); location.reload(); });
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

  // later tries anew when the browser gave up. A board that was taken away
  // says so itself when it is loaded.
  function later() {
    source.close();
    setTimeout(async () => {
      try {
        const answer = await fetch(location.pathname, { method: "HEAD" });
        if (answer.status === 404) return location.reload();
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

  open();
})();
