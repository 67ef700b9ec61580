// theme.js -- light, dark, or what the system says; before anything is drawn.
document.documentElement.dataset.theme = localStorage.getItem("larder.theme") ?? "auto";
