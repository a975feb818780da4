// The filter above a table of operators: text, platform, status, and whether platforms differ.
// Every <tbody> is one operator; its first row holds a cell with data-status for each platform.
// So many rows are listed at first: laying out 4,000 took a browser on two busy cores 3 s.
"use strict";
(() => {
  const LISTED = 500;
  const form = document.querySelector("form[data-filter]");
  if (form === null) return;
  const { text, platform, status, differs, changed } = form.elements;
  const output = form.querySelector("output");
  const more = form.querySelector("[data-list-all]");
  const table = document.getElementById(form.dataset.filter);

  const operators = Array.from(table.tBodies, (body) => {
    const statuses = Array.from(body.rows[0].querySelectorAll("[data-status]"), (cell) =>
      cell.dataset.status.split(" "),
    );
    const searched = body.querySelectorAll("code:not(.letters)");
    body.classList.remove("tail");
    return {
      body,
      statuses,
      isDifferent: new Set(statuses.map((each) => each.at(-1))).size > 1,
      text: Array.from(searched, (code) => code.textContent).join("\n").toLowerCase(),
    };
  });

  const fits = (operator, words) => {
    if (changed?.checked && operator.body.dataset.change === "same") return false;
    if (differs?.checked && !operator.isDifferent) return false;
    const asked =
      platform.value === "" ? operator.statuses : [operator.statuses[Number(platform.value)]];
    if (status.value !== "" && !asked.some((each) => each.includes(status.value))) return false;
    return words.every((word) => operator.text.includes(word));
  };

  const said = (fitting) => {
    const text = fitting === 0 ? output.dataset.none : output.dataset.shown;
    const count = text
      .replace("{shown}", String(fitting))
      .replace("{total}", String(operators.length));
    return more.hidden ? count : `${count} ${output.dataset.first.replace("{first}", LISTED)}`;
  };

  let limit = LISTED;
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let fitting = 0;
    for (const operator of operators) {
      const isFitting = fits(operator, words);
      fitting += Number(isFitting);
      operator.body.hidden = !isFitting || fitting > limit;
    }
    more.hidden = fitting <= limit;
    output.textContent = said(fitting);
  };

  // One pass a frame, however fast somebody types.
  let isDue = false;
  const applySoon = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      apply();
    });
  };

  const follow = () => {
    const asked = location.hash.match(/^#show:(.*)$/);
    if (asked === null) return;
    const wanted = new URLSearchParams(asked[1]);
    for (const box of [differs, changed]) if (box) box.checked = false;
    text.value = wanted.get("text") ?? "";
    platform.value = wanted.get("platform") ?? "";
    status.value = wanted.get("status") ?? "";
    apply();
    form.scrollIntoView();
    text.focus({ preventScroll: true });
  };

  form.addEventListener("input", applySoon);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    history.replaceState(null, "", location.pathname + location.search);
    setTimeout(apply);
  });
  more.addEventListener("click", () => {
    limit = Infinity;
    apply();
    text.focus();
  });
  addEventListener("hashchange", follow);
  form.hidden = false;
  apply();
  follow();
})();
