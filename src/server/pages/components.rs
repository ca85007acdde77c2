//! The small things that pages are made of: addresses, times, links out, and how a text of ours
//! reads.

use crate::text::date::iso;
use maud::{Markup, PreEscaped, html};
use url::Url;

/// An empty track with its flag: nothing is here yet.
pub(super) const EMPTY: &str = include_str!("empty.svg");

/// A drawing of ours, which says nothing that the words beside it do not say.
pub(super) fn drawing(svg: &'static str) -> Markup {
    PreEscaped(svg.to_owned())
}

/// A time in milliseconds since 1970.
pub(super) fn time(ms: i64) -> Markup {
    let iso = iso(ms - ms.rem_euclid(1000));
    let (date, clock) = iso.split_once('T').unwrap_or((&iso, ""));
    let minutes = clock.get(..5).unwrap_or_default();
    html! { time datetime=(iso) { (date) " " (minutes) " UTC" } }
}

/// An address that a page may link to, whoever named it: `http` or `https`, with a host.
pub(super) fn external_url(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The host of an address as it will be visited, with its port.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A link out by its host; what is none stays a text.
pub(super) fn external_link(address: &str) -> Markup {
    match external_url(address) {
        Some(url) => html! {
            a href=(url) rel="noopener noreferrer" { (host(&url)) " ↗" }
        },
        None => html! { bdi { (address) } },
    }
}

/// A sentence of ours, in which names stand between backticks.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A number of things.
pub(super) fn count(number: i64, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

/// A provider's tile: its first letter on one of our colors.
pub(super) fn tile(name: &str) -> Markup {
    let hue = name.bytes().fold(7_u32, |hue, byte| (hue * 31 + u32::from(byte)) % 997) % 6;
    let letter: String = name.chars().take(1).flat_map(char::to_uppercase).collect();
    html! { span class=(format!("tile hue-{hue}")) aria-hidden="true" { (letter) } }
}

/// A field's name as a label: `baseUrl` is `Base URL`.
pub(super) fn label(name: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for c in name.chars() {
        match c {
            '_' => words.push(String::new()),
            c if c.is_ascii_uppercase() => words.push(c.to_ascii_lowercase().to_string()),
            c => words.last_mut().expect("there is a first word").push(c),
        }
    }
    let spelled = |word: String| match word.as_str() {
        "url" | "api" | "id" | "ssl" => word.to_uppercase(),
        _ => word,
    };
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).map(spelled).collect();
    capitalize(&words.join(" "))
}

/// A text with a capital at its beginning.
pub(super) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_is_linked_to_and_by_the_host_that_will_be_asked() {
        for (address, shown) in [
            ("https://example.com/a?b", Some("example.com")),
            ("http://127.0.0.1:8000/", Some("127.0.0.1:8000")),
            ("https://sentry.io@evil.test/", Some("evil.test")),
            ("https://sеntry.io/", Some("xn--sntry-zwe.io")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("//evil.test/", None),
            ("/settings/", None),
            ("", None),
        ] {
            assert_eq!(external_url(address).as_ref().map(host).as_deref(), shown, "{address}");
        }
    }

    #[test]
    fn foreign_text_stays_text() {
        let shown = external_link("\"><script>alert(1)</script>").into_string();
        assert_eq!(shown, "<bdi>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</bdi>");
        assert_eq!(prose("set `<url>`").into_string(), "set <code>&lt;url&gt;</code>");
    }

    #[test]
    fn names_of_fields_read_as_labels() {
        for (name, read) in [
            ("baseUrl", "Base URL"),
            ("apiKey", "API key"),
            ("verifySsl", "Verify SSL"),
            ("chosenInstallationId", "Chosen installation ID"),
            ("name", "Name"),
            ("service_name", "Service name"),
        ] {
            assert_eq!(label(name), read);
        }
    }

    #[test]
    fn a_time_is_read_to_the_minute() {
        let shown = time(1_700_000_000_123).into_string();
        assert_eq!(shown, "<time datetime=\"2023-11-14T22:13:20Z\">2023-11-14 22:13 UTC</time>");
    }
}
