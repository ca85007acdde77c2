//! `/releases/{version}/deploys/`.

use super::body::{self, Reader, Text};
use super::call::Call;
use super::errors::{Answer, ApiError, json_response};
use super::pagination::Wanted;
use super::releases;
use super::shapes;
use crate::backend::embedded::NewDeploy;
use axum::http::StatusCode;

/// The longest environment, and the longest name of a deploy.
const NAME: usize = 64;

/// `GET`, the latest first.
pub(super) async fn list(mut call: Call) -> Answer {
    let release = releases::named(&mut call).await?;
    let wanted = Wanted::read(&call.asked)?;
    let found = call.engine.deploys(release.id, wanted.rows()).await?;
    wanted.answer(&call.server, &call.asked, found.iter().map(shapes::deploy).collect())
}

/// `POST`.
pub(super) async fn create(mut call: Call) -> Answer {
    let release = releases::named(&mut call).await?;
    let object = body::read(&call.asked)?;
    let mut reader = Reader::new(&object);
    let environment = reader.text("environment", Text::required(NAME));
    if environment.as_ref().is_some_and(|name| name.contains(['\n', '\r', '\u{c}', '/'])) {
        reader.wrong("environment", "Invalid value for environment");
    }
    let slugs = reader.texts("projects");
    if slugs.as_ref().is_some_and(Vec::is_empty) {
        reader.wrong("projects", "This list may not be empty.");
    }
    let new = NewDeploy {
        environment: environment.unwrap_or_default(),
        name: reader.text("name", Text::optional(NAME)),
        url: reader.url("url"),
        date_started: reader.date("dateStarted"),
        date_finished: reader.date("dateFinished"),
        projects: Vec::new(),
    };
    reader.end()?;
    let own = call.engine.release_projects(release.id).await?;
    let id = |slug: &String| {
        let found = own.iter().find(|(_, own)| own == slug).map(|(id, _)| *id);
        found.ok_or_else(|| ApiError::field("projects", "Invalid project"))
    };
    let projects = slugs.unwrap_or_default().iter().map(id).collect::<Result<_, _>>()?;
    let deploy = call.engine.deploy(release.id, &NewDeploy { projects, ..new }).await?;
    Ok(json_response(StatusCode::CREATED, &shapes::deploy(&deploy)))
}
