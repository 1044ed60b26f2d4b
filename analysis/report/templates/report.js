// Draws every specification of the page; what cannot be drawn says so in its place.
const NARROW = 480;

// Breaks long titles of axes into lines, and legends into columns, where a page is as narrow as a telephone.
function narrowed(spec) {
  const lines = (title) => {
    if (typeof title !== "string" || title.length < 30) return title;
    const space = title.indexOf(" ", title.length / 2 - 4);
    return space < 0 ? title : [title.slice(0, space), title.slice(space + 1)];
  };
  const visit = (part) => {
    for (const channel of [part.encoding?.x, part.encoding?.y]) if (channel?.title) channel.title = lines(channel.title);
    (part.layer || []).forEach(visit);
  };
  visit(spec);
  spec.config.legend.columns = 2;
  return spec;
}

window.figuresDone = Promise.all(
  Array.from(document.querySelectorAll("script[data-plot]"), (source) => {
    const target = document.getElementById(source.dataset.plot);
    const spec = JSON.parse(source.textContent);
    const fitted = document.documentElement.clientWidth < NARROW ? narrowed(spec) : spec;
    return vegaEmbed(target, fitted, { actions: false, renderer: "svg" }).catch((error) => {
      target.textContent = "This figure could not be drawn: " + error.message;
    });
  })
).then(() => { document.body.dataset.figures = "done"; });
