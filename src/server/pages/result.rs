//! The end of a set-up, and what a refused one shows.

use super::components;
use crate::error::Error;
use crate::model::Object;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

/// A refusal, in the words of the command line.
pub(super) fn refused(error: &Error, again: Option<&str>) -> Markup {
    html! {
        section.narrow.said {
            h1 { "Setup failed" }
            div.box-content.wrong role="alert" { pre { (error.message) } }
            p { (components::prose(&components::capitalize(&error.hint))) "." }
            p.quiet { "error-code: " code { (error.code.slug()) }
                @if let Some(status) = error.status { ", the third party returned HTTP " (status) } }
            @if let Some(again) = again { p { a.button href=(again) { "Start again" } } }
        }
    }
}

/// The end: told to the window that opened this one, and to the person.
pub(super) fn finished(name: &str, settings: &str, posted: &Value) -> Markup {
    html! {
        section.narrow.said {
            (components::drawing(include_str!("done.svg")))
            h1 { bdi { (name) } " is set up" }
            p { "You can close this window, or open the integration." }
            p { a.button href=(settings) { "Open its settings" } }
        }
        (message(posted))
    }
}

/// Where a vendor's callback ends when a program walks the pipeline by the API.
pub(super) fn callback_page(parameters: Object) -> Markup {
    html! {
        section.narrow.said {
            h1 { "Go back to where you started" }
            p { "If a program is waiting for this page's URL, paste the complete URL there." }
        }
        (message(&Value::Object(parameters)))
    }
}

/// Where a vendor's callback ends when nothing here waits for it: a run does, somewhere.
pub(super) fn paste_page(address: &str) -> Markup {
    html! {
        section.narrow.said {
            h1 { "A run is waiting for this URL" }
            p {
                "This setup was started by a program and continues there. Paste the complete URL \
                 there; it can be used once."
            }
            div.field {
                label for="address" { "The URL to paste" }
                textarea #address rows="3" readonly { (address) }
            }
            pre { code { "finishline resume --org ORG --callback-url -" } }
            p.quiet {
                "If you started it here, it has expired, or another setup was started since: start \
                 again."
            }
        }
    }
}

/// What is posted, as data that cannot end the element it stands in.
fn message(value: &Value) -> Markup {
    let text = value.to_string();
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    html! { script type="application/json" id="message" { (PreEscaped(text)) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_text_ends_the_message() {
        let json = json!({ "name": "</script><!--&" });
        let shown = message(&json).into_string();
        let text =
            shown.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</script>")).unwrap();
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), json);
    }

    #[test]
    fn a_refusal_is_said_as_the_command_line_says_it() {
        let error = Error::new(crate::error::ErrorCode::Refused, "no <b>").with_hint("set `url`");
        let shown = refused(&error, None).into_string();
        assert!(shown.contains("<pre>no &lt;b&gt;</pre>"), "{shown}");
        assert!(shown.contains("Set <code>url</code>.") && shown.contains("<code>refused</code>"));
    }
}
