// SPDX-License-Identifier: MIT
// The page of filtrace report -f html: live bytes, growth and blocks of one capture.
{
  const SITES_MAX = 30;
  const measures = {
    live: { title: "live bytes", text: bytes },
    growth: { title: "growth", text: (number) => `${sign(number)}${bytes(60 * number)}/min` },
    blocks: { title: "blocks", text: count },
    range: { title: "growth in the range", text: (number) => `${sign(number)}${bytes(number)}` },
  };
  if (data.timeline) addOtherStacks();
  else delete measures.range;

  function age(seconds) {
    for (const [unit, name] of [[86400, "d"], [3600, "h"], [60, "m"]])
      if (seconds >= unit) return Math.floor(seconds / unit) + name;
    return Math.floor(seconds) + "s";
  }

  const page = startPage({
    measures, first: "live",
    columns: ["live", "blocks", "growth", "oldest"],
    sums: ["live", "blocks", "growth", "rise", "oldest", "range", "rangeRise"],

    // Only growth may be negative, in all and in a range: what shrinks has no width.
    addTo(node, stack) {
      node.live += stack.live;
      node.blocks += stack.blocks;
      node.growth += stack.growth;
      node.rise += Math.max(stack.growth, 0);
      node.oldest = Math.max(node.oldest, stack.oldest);
      node.range += stack.range || 0;
      node.rangeRise += Math.max(stack.range || 0, 0);
    },
    widthOf: (node, { measure }) =>
      node[{ growth: "rise", range: "rangeRise" }[measure] || measure],

    colourOf(node, style, frame) {
      if (!frame) return style.line;
      const hue = +(frame.isLibrary ? style.library : style.own) + frame.hue;
      return style.hues[hue] ||= `hsl(${hue} ${style.colour} ${style.light})`;
    },

    isMissing: (stack, { measure }) => /growth|range/.test(measure) && stack[measure] < 0,
    note: (node, missing) => (missing ? `  |  without stacks that shrink (${count(missing)})` : ""),

    figuresOf: (node) => [
      ["live", bytes(node.live)], ["growth", measures.growth.text(node.growth)],
      ["blocks", count(node.blocks)], ["oldest", age(node.oldest)],
      ...(data.timeline ? [["in the range", measures.range.text(node.range)]] : []),
    ],

    sitesTitle: (state) => `Lines by ${measures[state.measure].title}`,
    sites(stacks, frames, state) {
      const sums = new Map();
      for (const stack of stacks) {
        const value = stack[state.measure] || 0;
        if (value < 0 && state.measure !== "range") continue;
        const site = stack.path[stack.path.length - 1];
        sums.set(site, (sums.get(site) || 0) + value);
      }
      const rising = [...sums].filter((site) => site[1] > 0).sort((a, b) => b[1] - a[1]);
      return rising.slice(0, SITES_MAX).map(([number, value]) => ({
        text: measures[state.measure].text(value), label: frames[number].label,
        title: frames[number].place, wanted: frames[number].place,
      }));
    },

    showHead() {
      const { target, capture, total } = data;
      const command = target.command.join(" ");
      at("title").textContent = `${command || "?"}  pid ${target.pid}, CPython ${target.python}`;
      document.title = `filtrace: ${command || target.pid}`;
      at("totals").textContent =
        `live ${bytes(total.live_bytes)} \u00b1${bytes(total.live_bytes_error)}` +
        ` in ${count(total.live_blocks)} blocks; growth ` +
        `${measures.growth.text(total.growth_bytes_per_second)}` +
        ` \u00b1${bytes(60 * total.growth_error)}/min`;
      at("capture").textContent = `${capture.seconds.toFixed(1)} s from ${capture.start}; ` +
        `${count(capture.samples)} samples, ${count(capture.dropped)} lost` + endOf(capture);
      at("rest").textContent = data.rest ? `not in the graph: ${data.rest}` : "";
    },
  });
  if (data.timeline) startTimeline(page);
}
