// Tells the window that opened this one how a set-up ended. Without a script, or without such a
// window, the page says it in words.
const message = document.getElementById('message');
if (message && window.opener) {
  window.opener.postMessage(JSON.parse(message.textContent), window.location.origin);
  window.close();
}

// A form that the person has asked for already is submitted at once; not while a browser only loads
// the page ahead.
const asked = document.querySelector('form[data-submit]');
if (asked && document.prerendering) {
  document.addEventListener('prerenderingchange', () => asked.requestSubmit(), { once: true });
} else if (asked) {
  asked.requestSubmit();
}
