// Draws the figure in `props.value` (JSON, see dashboard/figures.py) and redraws it in place.
// Never interpolates it into HTML. Colours named "@…" are looked up for light or dark.
const plot = element.querySelector('.plot');
let queued = false;
let drawnWidth = 0;

const isDark = () => document.documentElement.classList.contains('dark') || document.body.classList.contains('dark');

function coloured(value, colours) {
  if (typeof value === 'string') return value[0] === '@' ? colours[value.slice(1)] ?? '#888' : value;
  if (Array.isArray(value)) return value.map((item) => coloured(item, colours));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, colours)]));
}

// One script for all charts, asked for by the first that has room.
function plotly() {
  window.plotlyComing ??= new Promise((loaded) => {
    const script = document.createElement('script');
    script.src = plot.dataset.plotly;
    script.onload = loaded;
    script.onerror = () => { delete window.plotlyComing; };
    document.head.append(script);
  });
  return window.plotlyComing;
}

function draw() {
  queued = false;
  if (!props.value || plot.clientWidth === 0) return;
  if (!window.Plotly) return plotly().then(schedule);
  const figure = JSON.parse(props.value);
  const colours = figure.palette[isDark() ? 'dark' : 'light'];
  const layout = coloured(figure.layout, colours);
  layout.width = drawnWidth = plot.clientWidth;
  layout.height = plot.clientHeight;
  if (plot.clientWidth < 420) {  // room for letters only, where a label has a short form
    layout.annotations = layout.annotations.map((label) => ({...label, text: label.name ?? label.text}));
    if (layout.annotations.some((label) => label.name)) layout.margin.r = 48;
    for (const axis of [layout.xaxis, layout.xaxis2]) if (axis) axis.tickfont.size = figure.ticks ?? 9.5;
  }
  // A finger on a chart scrolls the page.
  layout.dragmode = matchMedia('(pointer: coarse)').matches ? false : 'zoom';
  plot.setAttribute('aria-label', figure.description);
  window.Plotly.react(plot, coloured(figure.data, colours), layout, {displayModeBar: false, doubleClick: 'reset'});
}

function schedule() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(draw);
}

watch('value', schedule);
new ResizeObserver(() => { if (plot.clientWidth !== drawnWidth) schedule(); }).observe(plot);
const appearance = new MutationObserver(schedule);
appearance.observe(document.body, {attributeFilter: ['class']});
appearance.observe(document.documentElement, {attributeFilter: ['class']});
schedule();
