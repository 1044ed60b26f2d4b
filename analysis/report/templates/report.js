// Draws every specification of the page; what cannot be drawn says so in its place.
window.figuresDone = Promise.all(
  Array.from(document.querySelectorAll("script[data-plot]"), (source) => {
    const target = document.getElementById(source.dataset.plot);
    return vegaEmbed(target, JSON.parse(source.textContent), { actions: false, renderer: "svg" }).catch((error) => {
      target.textContent = "This figure could not be drawn: " + error.message;
    });
  })
).then(() => { document.body.dataset.figures = "done"; });
