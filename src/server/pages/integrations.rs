//! The integrations that an organization has, and those that it could have.

use super::frame::Tab;
use super::listing::Listing;
use super::{Look, words};
use crate::backend::embedded::Installed;
use crate::provider::{PROVIDERS, Provider};
use crate::server::catalog;
use crate::server::errors::Answer;
use maud::{Markup, html};

/// `/settings/{org}/integrations/`.
pub(super) async fn list(mut look: Look) -> Answer {
    let org = look.enter().await?;
    let listing = Listing::read(&look.asked, "page");
    let mut found = look.engine.installed_like(org.id, &listing.query, listing.rows()).await?;
    let more = Listing::cut(&mut found);
    let content = html! {
        h1 { "Integrations" }
        @if found.is_empty() && listing.is_whole() {
            section.nothing {
                (words::drawing(words::EMPTY))
                p { "Nothing is connected to " strong { (org.slug) } " yet." }
            }
        } @else {
            @if more || !listing.is_whole() || found.len() > 5 {
                (listing.search("Search integrations"))
            }
            @if found.is_empty() { p.quiet { "No integration fits." } }
            ul.cards { @for one in &found { (card(&org.slug, one)) } }
            (listing.pager("Pages of integrations", more))
        }
        (offers(&org.slug))
    };
    Ok(look.page_of("Integrations", Some((&org.slug, Tab::Integrations)), content))
}

fn card(org: &str, one: &Installed) -> Markup {
    let provider = provider_name(one);
    html! {
        li.card {
            (words::tile(&provider))
            div {
                h2 { a href=(words::integration(org, &one.integration_key, one.id)) { bdi { (one.name) } } }
                p.quiet { (provider) " · " (status(one)) }
            }
        }
    }
}

/// The name of an integration's provider; a key that nothing describes stands for itself.
pub(super) fn provider_name(one: &Installed) -> String {
    let known = catalog::of_key(&one.integration_key).map(Provider::name);
    known.unwrap_or(&one.integration_key).to_owned()
}

/// Whether it works, as a word and a colour.
pub(super) fn status(one: &Installed) -> Markup {
    let (class, word) = match (one.status.as_str(), one.link_status.as_str()) {
        ("active", "active") => ("good", "Active"),
        (_, "pending_deletion" | "deletion_in_progress") => ("bad", "Waits for its deletion"),
        _ => ("bad", "Switched off"),
    };
    html! { span class=(format!("status {class}")) { (word) } }
}

/// What could be set up next.
fn offers(org: &str) -> Markup {
    let own = || PROVIDERS.iter().filter(|provider| provider.needs_sentry().is_none());
    let others = PROVIDERS.iter().filter(|provider| provider.needs_sentry().is_some());
    html! {
        h2 { "Set up another" }
        ul.offers {
            @for provider in own() {
                li { a href=(words::set_up(org, provider.key())) {
                    (words::tile(provider.name())) (provider.name())
                } }
            }
        }
        details {
            summary { "Those that only a Sentry can finish" }
            dl.why {
                @for provider in others {
                    dt { (provider.name()) }
                    dd { (words::prose(provider.needs_sentry().unwrap_or_default())) }
                }
            }
        }
    }
}
