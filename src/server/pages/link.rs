//! `/extensions/{provider}/link/`: for which of several organizations a vendor's link is, whose query
//! is kept. Choosing one leads back to that link, and changes nothing yet.

use super::{PageRequest, components, login};
use crate::database::PageQuery;
use crate::provider;
use crate::server::http::{ApiError, ApiResult};
use crate::text::segment;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

/// The parameter that names the organization.
pub(super) const ORGANIZATION: &str = "orgSlug";

/// The organizations in which the person may set integrations up.
pub(super) async fn show(mut request: PageRequest) -> ApiResult {
    let provider =
        provider::find(request.raw.param("provider")).map_err(|_| ApiError::not_found())?;
    let Some(user) = request.user() else {
        return Ok(login::redirect_to_login(&request.raw.whole_path()));
    };
    let mut links = Vec::new();
    for org in request.database.organizations(user, "", PageQuery::ALL).await? {
        let role = request.database.role(org.id, user).await?;
        if request.may_install(role.as_deref()) {
            let address = configure_address(&request, provider.key(), &org.slug);
            links.push((org.slug, address));
        }
    }
    let title = format!("{} Setup", provider.name());
    Ok(request.page(&title, choice(provider.name(), &links)))
}

fn choice(name: &str, links: &[(String, String)]) -> Markup {
    html! {
        section.narrow {
            h1 { "Connect " (name) " to which organization?" }
            @if links.is_empty() {
                p { "You cannot set up integrations in any organization of yours." }
            } @else {
                ul.cards {
                    @for (slug, address) in links {
                        li.card { (components::tile(slug)) div { h2 { a href=(address) { (slug) } } } }
                    }
                }
            }
        }
    }
}

/// The vendor's link, for this organization.
fn configure_address(request: &PageRequest, key: &str, org: &str) -> String {
    let others = request.raw.query.iter().filter(|(name, _)| name != ORGANIZATION);
    let mut query = Serializer::new(String::new());
    query.extend_pairs(others).append_pair(ORGANIZATION, org);
    format!("/extensions/{}/configure/?{}", segment(key), query.finish())
}
