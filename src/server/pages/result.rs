//! The end of a set-up, and what a refused one shows.

use super::components;
use crate::error::{Error, ErrorCode};
use crate::model::Object;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

/// A refusal, with what a person at this page can do about it.
pub(super) fn refused(error: &Error, again: Option<Markup>) -> Markup {
    html! {
        section.narrow.said {
            h1 { "Setup failed" }
            div.box-content.wrong role="alert" { pre { (error.message) } }
            p { (components::prose(&components::capitalize(advice(error)))) "." }
            @if let Some(status) = error.status {
                p.quiet { "The third party returned HTTP " (status) "." }
            }
            @if let Some(again) = again { (again) }
        }
    }
}

/// What a person can do. The hint of a code is for somebody who writes a job.
fn advice(error: &Error) -> &str {
    match error.code {
        _ if error.hint != error.code.hint() => &error.hint,
        ErrorCode::ProviderError => {
            "check what you entered; the third party's own log may say more"
        }
        ErrorCode::WrongOauthState | ErrorCode::CallbackUsed | ErrorCode::ForeignCallback => {
            "start again: this approval belongs to another setup"
        }
        ErrorCode::SessionExpired => "start again: this setup took longer than an hour",
        ErrorCode::IdentityTaken => "approve with an account that is not linked to another user",
        ErrorCode::MissingScope => "ask an owner, manager or admin of the organization",
        ErrorCode::Unauthorized => "sign in as the user who started this setup, or start again",
        ErrorCode::NeedsSentry => "set it up on a Sentry server",
        ErrorCode::MissingField => "ask whoever runs this server to configure the app",
        _ => "check what you entered, and start again",
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
            h1 { "No setup is waiting for this URL here" }
            p {
                "If a program started the setup, it continues there: paste the complete URL there. It \
                 can be used once."
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
    fn a_refusal_is_said_in_words_for_a_person() {
        let error = Error::new(ErrorCode::Refused, "no <b>").with_hint("set `url`");
        let shown = refused(&error, None).into_string();
        assert!(shown.contains("<pre>no &lt;b&gt;</pre>"), "{shown}");
        assert!(shown.contains("Set <code>url</code>.") && !shown.contains("error-code"));
        for code in ErrorCode::ALL {
            let shown = refused(&Error::new(*code, "no"), None).into_string();
            for words in ["finishline", "<code>", "timeout", "log line"] {
                assert!(!shown.contains(words), "{code}: {shown}");
            }
        }
    }
}
