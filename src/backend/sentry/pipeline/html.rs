//! The set-up pages of a Sentry before 2026, read for what they tell. Their text is hostile.

use crate::text::html::{title, words};
use serde_json::Value;

/// What a page is.
pub(crate) enum SetupPage {
    /// The last one: what it posts to the window that opened it.
    Finish(Value),
    /// `Setup Error`, with its reason.
    Error(String),
    /// A form, or a guide before one; with what is wrong, when it is shown again.
    Form {
        /// The fields with the reasons beside them.
        errors: Vec<(String, String)>,
        /// The address to go on at, when the page is a guide.
        guide: bool,
    },
    /// Something else: the app's shell, another program's page.
    Other,
}

impl SetupPage {
    /// Reads a page of HTML.
    pub(crate) fn read(html: &str) -> Self {
        if let Some(message) = finish(html) {
            return Self::Finish(message);
        }
        if title(html).contains("Setup Error") {
            return Self::Error(reason(html));
        }
        let guide = html.contains("completed_installation_guide");
        if guide || html.contains("<form") {
            return Self::Form { errors: errors(html), guide };
        }
        Self::Other
    }
}

/// What the page posts to its opener, JSON with `success` and `data`: the argument of Sentry's
/// `postMessage`, or the message that the script of `serve` reads.
fn finish(html: &str) -> Option<Value> {
    let posts = html.match_indices("postMessage(");
    posts.chain(html.match_indices("id=\"message\">")).find_map(|(at, found)| {
        let rest = html[at + found.len()..].trim_start();
        let message = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok()?;
        message.get("success").is_some().then_some(message)
    })
}

/// The reason on an error page, which stands alone in its `<pre>`; else all the words of its box.
fn reason(html: &str) -> String {
    let body = html.split_once("box-content").map_or(html, |(_, rest)| rest);
    let body = body.split_once('>').map_or(body, |(_, rest)| rest);
    let exact = body.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>"));
    let body = exact.map_or(body.split("<script").next().unwrap_or_default(), |(reason, _)| reason);
    match words(body) {
        words if words.is_empty() => "the page shows no reason".to_owned(),
        words => words,
    }
}

/// The reasons that a form shows beside its fields: `<p id="error_1_id_FIELD" …>reason</p>`.
fn errors(html: &str) -> Vec<(String, String)> {
    let error = |part: &str| {
        let (id, rest) = part.split_once('"')?;
        let field = id.split_once("_id_").map_or(id, |(_, field)| field);
        let reason = words(rest.split_once('>')?.1.split("</p").next()?);
        Some((words(field), reason))
    };
    html.split("id=\"error_").skip(1).filter_map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finish_page_gives_what_it_posts() {
        let html = "<script>var x = 1; window.opener.postMessage({\"success\":true,\
                    \"data\":{\"id\":\"7\",\"name\":\"</script>\"}}, document.origin);</script>";
        let SetupPage::Finish(message) = SetupPage::read(html) else { panic!("no finish") };
        assert_eq!(message["data"]["id"], "7");
    }

    #[test]
    fn an_error_page_gives_its_reason_as_one_plain_line() {
        let html = "<title> Setup Error | Sentry</title><div class=\"box-content with-padding\">\
                    <p>Whoops!</p>\n<pre>An <b>error</b> &lt;x&gt;\n occurred</pre></div><script>no";
        let SetupPage::Error(reason) = SetupPage::read(html) else { panic!("no error") };
        assert_eq!(reason, "An error <x> occurred");
    }

    #[test]
    fn forms_guides_and_other_pages_are_told_apart() {
        let again = "<form><p id=\"error_1_id_url\" class=\"x\"><b>Enter a URL.</b></p></form>";
        let SetupPage::Form { errors, guide: false } = SetupPage::read(again) else {
            panic!("no form")
        };
        assert_eq!(errors, [("url".to_owned(), "Enter a URL.".to_owned())]);
        let guide = "<a href=\"?completed_installation_guide\">next</a>";
        assert!(matches!(SetupPage::read(guide), SetupPage::Form { guide: true, .. }));
        for other in
            ["", "<html>", "<title>Sentry</title>", "postMessage(", "postMessage({\"a\":1})"]
        {
            assert!(matches!(SetupPage::read(other), SetupPage::Other), "{other}");
        }
    }
}
