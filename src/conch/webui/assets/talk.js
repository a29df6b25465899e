// Whoever reads the end of a conversation stays at its end while it grows.
window.conch.stick = (element) => {
  const box = () => document.scrollingElement;
  let near = true;
  window.addEventListener("scroll", () => {
    near = box().scrollHeight - window.innerHeight - window.scrollY < 160;
  }, { passive: true });
  new MutationObserver(() => {
    if (near && element.offsetParent && element.querySelector(".going")) window.scrollTo(0, box().scrollHeight);
  }).observe(element, { childList: true, subtree: true });
};
