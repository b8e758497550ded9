// SPDX-License-Identifier: MIT
// The page of filtrace diff -f html: what the new capture keeps, red where it is more than in the
// old one, blue where it is less, grey where the difference may be chance. A function that both
// have is one frame, in whatever line it stands.
{
  const SITES_MAX = 50;
  const isPerOperation = data.unit === "op";
  // Of operations, bytes are known with decimals.
  const amount = (number) => (isPerOperation && Math.abs(number) < 1023.5
    ? `${number.toFixed(Math.abs(number) < 9.995 ? 2 : 0)} B` : bytes(number));
  const measureOf = (title, unit) => ({ title, unit,
    text: (number) => `${amount(data.factor * number)}/${unit}` });
  const measures = {
    live: measureOf("live bytes", isPerOperation ? "op" : "captured min"),
    growth: measureOf("growth", data.unit),
  };

  // Both in one unit, and with no more digits than the error allows: as report/figure_text.h.
  function withError(value, error, unit) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let number = data.factor * value, spread = data.factor * error, scale = 0;
    for (; Math.max(Math.abs(number), spread) >= 1023.5 && scale + 1 < units.length; scale++) {
      number /= 1024;
      spread /= 1024;
    }
    let place = spread > 0 ? Math.floor(Math.log10(spread)) : -1;
    if (spread > 0 && spread / 10 ** place < 1.95) place--;
    place = Math.max(place, scale || isPerOperation ? -2 : 0);
    const [left, right] = [number, spread].map((one) =>
      (Math.round(one / 10 ** place) * 10 ** place + 0).toFixed(Math.max(-place, 0)));
    return `${sign(+left)}${left} \u00b1${right} ${units[scale]}/${unit}`;
  }

  // What was not seen counts once for a frame, however many stacks lead through it.
  const changeOf = (node, { measure }) => node[`${measure}New`] - node[`${measure}Old`];
  const errorOf = (node, { measure }) => Math.hypot(Math.sqrt(node[`${measure}Square`]),
    data.unseen[measure + (changeOf(node, { measure }) > 0 ? "Old" : "New")]);
  const isSure = (node, state) => Math.abs(changeOf(node, state)) > errorOf(node, state);
  const changeText = (node, state) =>
    withError(changeOf(node, state), errorOf(node, state), measures[state.measure].unit);

  function describe(measure, node) {
    const { text } = measures[measure];
    return [
      [`${measure} now`, text(node[`${measure}New`])],
      [`${measure} before`, text(node[`${measure}Old`])],
      [isSure(node, { measure }) ? "change" : "change, perhaps by chance",
        changeText(node, { measure })],
    ];
  }

  function nameOf({ old, new: now }) {
    const [name, file, line] = now || old;
    const place = line ? `${file}:${line}` : file;
    const moved = now && old && old[1] === file && old[2] !== line ? `, was line ${old[2]}` : "";
    const from = now && old && old[1] !== file ? `, was ${old[1]}:${old[2]}` : "";
    return { name, file, label: labelOf(name, file, line), title: place + moved + from };
  }

  function describeSide({ target, capture, rest }) {
    return `${target.command.join(" ") || "?"}  pid ${target.pid}, CPython ${target.python}; ` +
      `${capture.seconds.toFixed(1)} s from ${capture.start}; ${count(capture.samples)} samples` +
      endOf(capture) +
      (rest ? `; without ${rest}` : "");
  }

  startPage({
    measures, first: "growth", hasOld: true,
    columns: ["liveOld", "liveNew", "liveError", "growthOld", "growthNew", "growthError"],
    sums: ["liveOld", "liveNew", "liveSquare", "growthOld", "growthNew", "growthSquare",
      "riseOld", "riseNew"],

    // What shrinks has no width.
    addTo(node, stack) {
      for (const name of ["liveOld", "liveNew", "growthOld", "growthNew"])
        node[name] += stack[name];
      node.liveSquare += stack.liveError ** 2;
      node.growthSquare += stack.growthError ** 2;
      node.riseOld += Math.max(stack.growthOld, 0);
      node.riseNew += Math.max(stack.growthNew, 0);
    },
    widthOf: (node, { measure, isOld }) =>
      node[(measure === "growth" ? "rise" : measure) + (isOld ? "Old" : "New")],

    // The stronger, the larger a part of the frame the difference is.
    colourOf(node, style, frame, state) {
      if (!isSure(node, state)) return style.line;
      const { measure } = state, change = changeOf(node, state);
      const whole = Math.max(Math.abs(node[`${measure}New`]), Math.abs(node[`${measure}Old`]));
      const part = Math.min(Math.abs(change) / whole, 1);
      const light = parseFloat(style.light);
      const step = Math.round(4 * part) * (light > 50 ? -5 : 5);
      return `hsl(${change > 0 ? 4 : 214} ${35 + Math.round(12 * part) * 5}% ${light + step}%)`;
    },

    isMissing: (stack, { measure, isOld }) => stack[measure + (isOld ? "Old" : "New")] <= 0,
    note(node, missing, state) {
      const why = state.isOld ? "are new or shrank" : "are gone or shrink";
      return `  |  ${changeText(node, state)}` +
        (missing ? `  |  without stacks that ${why} (${count(missing)}): key w` : "");
    },

    figuresOf: (node) => [...describe("growth", node), ...describe("live", node)],

    sitesTitle: () => "Lines that changed: growth, worse ones first",
    sites: (stacks, frames) => data.sites.slice(0, SITES_MAX).map((site) => {
      const { name, file, label, title } = nameOf(site);
      const isDrawn = frames.some((frame) => frame.name === name && frame.file === file);
      const alone = site.old ? (site.new ? "" : "gone: ") : "new: ";
      const growth = withError(site.growth, site.growth_error, measures.growth.unit);
      const live = withError(site.live, site.live_error, measures.live.unit);
      return { text: growth, label: alone + label, className: site.change,
        title: `${title}; live ${live}`,
        wanted: isDrawn ? `${name} ${file}` : name };
    }),

    showHead() {
      at("title").textContent = data.headline;
      document.title = `filtrace diff: ${data.new.target.command.join(" ") || "?"}`;
      at("totals").textContent = `old  ${describeSide(data.old)}`;
      at("totals").className = "faint";
      at("capture").textContent = `new  ${describeSide(data.new)}`;
      at("rest").textContent =
        "width: the new one; red: more than before, blue: less, grey: perhaps by chance" +
        (data.beyond_top ? `; ${count(data.beyond_top)} sites beyond the top left out` : "");
      at("keys").textContent = at("keys").textContent.replace("1 2 3: measure",
        "1 2: measure; w: widths of the old one");
    },
  });
}
