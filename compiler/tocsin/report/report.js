"use strict";
// Draws the figures of the page. Their colours are names of CSS variables, resolved for the scheme in force.
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const config = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false };
  const drawn = new Set();

  const resolve = (node, css) => {
    if (Array.isArray(node)) return node.map((item) => (item && typeof item === "object" ? resolve(item, css) : item));
    return Object.fromEntries(Object.entries(node).map(([key, value]) => {
      if (value && typeof value === "object") return [key, resolve(value, css)];
      return [key, key.endsWith("color") ? css.getPropertyValue(value).trim() : value];
    }));
  };

  const draw = (id, width) => {
    const { data, layout } = resolve(figures[id], getComputedStyle(document.documentElement));
    layout.font.family = getComputedStyle(document.body).fontFamily;
    if (width) layout.width = width;
    const wide = width || document.getElementById(id).clientWidth;
    for (const [name, axis] of Object.entries(layout)) {
      if (name.startsWith("xaxis")) axis.nticks = Math.max(2, Math.floor(wide * (axis.domain[1] - axis.domain[0]) / 90));
    }
    drawn.add(id);
    return Plotly.react(id, data, layout, config);
  };

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && !drawn.has(target.id)) draw(target.id);
    }
  }, { rootMargin: "400px" });
  for (const id of Object.keys(figures)) seen.observe(document.getElementById(id));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((id) => draw(id)));

  const all = () => Object.keys(figures);
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    all().forEach((id) => draw(id, 690));
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    all().forEach((id) => draw(id));
  });
})();
