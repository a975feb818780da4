// Runs in the head, before anything is painted. The page follows the system's colours until the
// reader chooses others; the choice is kept where the browser allows it (some refuse it to files).
"use strict";
(() => {
  const root = document.documentElement;
  root.dataset.scripted = "";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("opparity-theme");
    } catch {
      return null;
    }
  };
  const keep = (theme) => {
    try {
      localStorage.setItem("opparity-theme", theme);
    } catch {
      // Without storage the choice holds for this page alone.
    }
  };
  const choose = (theme) => {
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  };
  choose(kept());
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      const theme = isDark() ? "light" : "dark";
      keep(theme);
      choose(theme);
      show();
    });
    system.addEventListener("change", show);
    show();
    button.hidden = false;
  });
})();
