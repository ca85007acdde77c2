// Tells the window that opened this one how a set-up ended. Without a script, or without such a
// window, the page says it in words.
const message = document.getElementById('message');
if (message && window.opener) {
  window.opener.postMessage(JSON.parse(message.textContent), window.location.origin);
  window.close();
}
