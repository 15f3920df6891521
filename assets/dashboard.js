// Keys and small manners of the page; it never sees a model's text.
(() => {
  const press = (id) => {
    const button = document.getElementById(id);
    if (!button || button.disabled || button.offsetParent === null) return false;
    button.click();
    return true;
  };
  // Gradio runs this script when the page has long been read.
  const onceRead = (work) => {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', work);
    else work();
  };
  const openChip = () => document.querySelector('#sampling .label-wrap.open');

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      if (press('run')) event.preventDefault();
    } else if (event.key === 'Escape' && !document.querySelector('.about-card:popover-open')) {
      const close = document.querySelector('#samples button.close');
      if (openChip()) openChip().click();
      else if (press('stop') || press('cancel-metrics')) event.preventDefault();
      else if (close && close.offsetParent !== null) close.click();
    }
  });

  // The sampling chip is a popover: a press beside it closes it.
  document.addEventListener('pointerdown', (event) => {
    if (openChip() && !event.target.closest('#sampling')) openChip().click();
  });

  // A model's card that is drawn anew while it is read stays open, where it was scrolled to.
  onceRead(() => {
    let open = null;
    let top = 0;
    document.addEventListener('beforetoggle', (event) => {
      if (!event.target.matches('.about-card')) return;
      const {id} = event.target;
      if (event.newState === 'closed') open = open === id ? null : open;
      else if (open !== id) [open, top] = [id, 0];
    }, true);
    document.addEventListener('toggle', (event) => {  // its button may be a new one by now
      if (!event.target.matches('.about-card') || event.newState === 'open') return;
      if (document.activeElement !== document.body) return;
      document.querySelector(`.about[popovertarget="${CSS.escape(event.target.id)}"]`)?.focus({preventScroll: true});
    }, true);
    document.addEventListener('scroll', (event) => {
      if (event.target.id && event.target.id === open) top = event.target.scrollTop;
    }, true);
    new MutationObserver(() => {
      const card = open && document.getElementById(open);
      if (!card || card.matches(':popover-open')) return;
      card.showPopover();
      card.scrollTop = top;
    }).observe(document.body, {childList: true, subtree: true});
  });

  // Samples open under the table: bring them into sight, and give the focus back when they close.
  onceRead(() => {
    let cell = null;
    let shown = false;
    document.addEventListener('click', (event) => {
      const pressed = event.target.closest('button.cell');
      if (pressed) cell = {model: pressed.dataset.model, metric: pressed.dataset.metric};
    }, true);
    new MutationObserver(() => {
      const card = document.querySelector('#samples .samples');
      if (card && !shown) {
        const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
        card.scrollIntoView({block: 'nearest', behavior: calm ? 'auto' : 'smooth'});
        card.querySelector('button.close').focus({preventScroll: true});
      } else if (!card && shown && cell) {
        const back = [...document.querySelectorAll('button.cell')].find(
          (other) => other.dataset.model === cell.model && other.dataset.metric === cell.metric);
        if (back) back.focus({preventScroll: true});
      }
      shown = Boolean(card);
    }).observe(document.body, {childList: true, subtree: true});
  });
})();
