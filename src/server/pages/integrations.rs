//! The integrations that an organization has, and those that it could have.

use super::layout::PageTab;
use super::search::SearchList;
use super::{PageRequest, components, urls};
use crate::database::InstalledIntegration;
use crate::provider::PROVIDERS;
use crate::server::api::provider_json;
use crate::server::http::ApiResult;
use maud::{Markup, html};

/// `/settings/{org}/integrations/`.
pub(super) async fn list(mut request: PageRequest) -> ApiResult {
    let org = request.authorize().await?;
    let listing = SearchList::read(&request.raw, "page");
    let stored =
        request.database.search_integrations(org.id, &listing.query, listing.rows()).await?;
    let (installed, more) = SearchList::cut(stored);
    let content = html! {
        h1 { "Integrations" }
        @if installed.is_empty() && listing.is_whole() {
            section.nothing {
                (components::drawing(components::EMPTY))
                p { "No integrations are installed for " strong { (org.slug) } " yet." }
            }
        } @else {
            @if more || !listing.is_whole() || installed.len() > 5 {
                (listing.search("Search integrations"))
            }
            @if installed.is_empty() { p.quiet { "No integrations match." } }
            ul.cards { @for one in &installed { (card(&org.slug, one)) } }
            (listing.pager("Pages of integrations", more))
        }
        (offers(&org.slug))
    };
    Ok(request.page_of("Integrations", Some((&org.slug, PageTab::Integrations)), content))
}

fn card(org: &str, one: &InstalledIntegration) -> Markup {
    let provider = provider_name(one);
    html! {
        li.card {
            (components::tile(provider))
            div {
                h2 { a href=(urls::integration(org, &one.integration_key, one.id)) { bdi { (one.name) } } }
                p.quiet { (provider) " · " (status(one)) }
            }
        }
    }
}

/// The name of an integration's provider; a key that nothing describes stands for itself.
pub(super) fn provider_name(one: &InstalledIntegration) -> &str {
    provider_json::provider_name(&one.integration_key)
}

/// Whether it works, as a word and a color.
pub(super) fn status(one: &InstalledIntegration) -> Markup {
    let (class, word) = match (one.status.as_str(), one.link_status.as_str()) {
        ("active", "active") => ("good", "Active"),
        (_, "pending_deletion" | "deletion_in_progress") => ("bad", "Pending deletion"),
        _ => ("bad", "Disabled"),
    };
    html! { span class=(format!("status {class}")) { (word) } }
}

/// What could be set up next.
fn offers(org: &str) -> Markup {
    let own = || PROVIDERS.iter().filter(|provider| provider.sentry_only_reason().is_none());
    let others = PROVIDERS.iter().filter(|provider| provider.sentry_only_reason().is_some());
    html! {
        h2 { "Set up another integration" }
        ul.offers {
            @for provider in own() {
                li { a href=(urls::set_up(org, provider.key())) {
                    (components::tile(provider.name())) (provider.name())
                } }
            }
        }
        details {
            summary { "Providers that only a Sentry server can install" }
            dl.why {
                @for provider in others {
                    dt { (provider.name()) }
                    dd { (components::prose(provider.sentry_only_reason().unwrap_or_default())) }
                }
            }
        }
    }
}
