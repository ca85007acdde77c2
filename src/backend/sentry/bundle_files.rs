//! The files of uploaded bundles: which bundle has a script and its map, and the map itself. What a server
//! tells is bounded and checked.

use super::client::response::error_text;
use super::sourcemaps::SentrySourcemaps;
use crate::error::Result;
use crate::http::HttpResponse;
use crate::sourcemap::debug_id::DebugId;
use crate::text::segment;
use serde_json::Value;
use url::form_urlencoded;

/// How many bundles are looked into, newest first.
const MAX_BUNDLES: usize = 10;
/// The largest map that is fetched; a longer answer is cut.
const MAX_MAP: u64 = 8 * 1024 * 1024 - 1;
/// Sentry's numbers of scripts and of source maps.
const MINIFIED_SOURCE: u64 = 2;
const SOURCE_MAP: u64 = 3;

/// A script of a bundle, with its map.
pub(crate) struct BundledScript {
    /// The bundle's id.
    pub(crate) bundle: DebugId,
    /// The script's debug id.
    pub(crate) id: Option<DebugId>,
    /// The URL of its map; none where the bundle has none.
    pub(crate) map: Option<String>,
    /// The map, or why it could not be fetched.
    pub(crate) text: Result<String, String>,
}

/// What came of looking for a script in the bundles of a project.
pub(crate) enum BundleSearch {
    /// It is in this one.
    Found(Box<BundledScript>),
    /// Each that it might be in is listed without it.
    Nowhere,
    /// Not all could be looked into.
    Unknown,
}

/// A file as a listing has it.
struct ListedFile {
    id: String,
    kind: u64,
    url: String,
    size: u64,
    debug_id: Option<DebugId>,
}

impl ListedFile {
    fn read(item: &Value) -> Option<Self> {
        Some(Self {
            id: item["id"].as_str()?.to_owned(),
            kind: item["fileType"].as_u64()?,
            url: item["filePath"].as_str()?.to_owned(),
            size: item["fileSize"].as_u64()?,
            debug_id: item["debugId"].as_str().and_then(DebugId::parse_any),
        })
    }
}

impl SentrySourcemaps {
    /// The newest bundle of a project that has a script of this URL, those of the release first.
    pub(crate) async fn bundled_script(
        &self,
        project: &str,
        url: &str,
        release: Option<&str>,
    ) -> Result<BundleSearch> {
        let Some((bundles, mut are_all)) = self.bundles(project, release).await? else {
            return Ok(BundleSearch::Unknown);
        };
        for bundle in bundles {
            let name = url.trim_start_matches("~/");
            let Some(mut files) = self.files(project, &bundle, name).await? else {
                are_all = false;
                continue;
            };
            let is_script = |file: &&ListedFile| file.kind == MINIFIED_SOURCE && file.url == url;
            let Some(script) = files.iter().find(is_script) else { continue };
            let id = script.debug_id.clone();
            if let Some(id) = &id {
                let of_id = self.files(project, &bundle, id.as_str()).await?;
                files.extend(of_id.unwrap_or_default());
            }
            let beside = format!("{url}.map");
            let is_map = |file: &&ListedFile| {
                let is_its_own = id.is_some() && file.debug_id == id;
                file.kind == SOURCE_MAP && (is_its_own || file.url == beside)
            };
            let map = files.iter().find(is_map);
            let text = match map {
                Some(map) => self.fetch(project, &bundle, map).await?,
                None => Err("the bundle has no source map for it".to_owned()),
            };
            let map = map.map(|map| map.url.clone());
            return Ok(BundleSearch::Found(Box::new(BundledScript { bundle, id, map, text })));
        }
        Ok(if are_all { BundleSearch::Nowhere } else { BundleSearch::Unknown })
    }

    /// Whether a bundle of a project is listed with a file of this id.
    pub(super) async fn lists(
        &self,
        project: &str,
        bundle: &DebugId,
        id: &DebugId,
    ) -> Result<bool> {
        let files = self.files(project, bundle, id.as_str()).await?.unwrap_or_default();
        Ok(files.iter().any(|file| file.debug_id.as_ref() == Some(id)))
    }

    /// The bundles of a project, newest first, those of the release before others, and whether these are all
    /// that the release has; none where they cannot be listed.
    async fn bundles(
        &self,
        project: &str,
        release: Option<&str>,
    ) -> Result<Option<(Vec<DebugId>, bool)>> {
        let Some(newest) = self.listed_bundles(project, "").await? else { return Ok(None) };
        let found = match release {
            // Others may have pushed those of the release off the first page.
            Some(release) => self.listed_bundles(project, release).await?,
            None => None,
        };
        let is_of = |item: &&Value| {
            let of = item["associations"].as_array().into_iter().flatten();
            release.is_some() && of.into_iter().any(|one| one["release"].as_str() == release)
        };
        let mut ids = Vec::new();
        add_ids(&mut ids, found.iter().flatten().chain(&newest).filter(is_of));
        let are_all = (1..=MAX_BUNDLES).contains(&ids.len()) || newest.len() < MAX_BUNDLES;
        add_ids(&mut ids, newest.iter());
        ids.truncate(MAX_BUNDLES);
        Ok(Some((ids, are_all)))
    }

    /// The newest bundles of a project that this query finds; none where they cannot be listed.
    async fn listed_bundles(&self, project: &str, query: &str) -> Result<Option<Vec<Value>>> {
        let query = match query {
            "" => String::new(),
            query => format!("?query={}", segment(query)),
        };
        let path = format!("files/artifact-bundles/{query}");
        let response = self.get_of_project(project, &path).await?;
        let body = response.json();
        Ok(body.as_array().filter(|_| response.is_success()).cloned())
    }

    /// The files of a bundle that this query finds; none where they are not listed.
    async fn files(
        &self,
        project: &str,
        bundle: &DebugId,
        query: &str,
    ) -> Result<Option<Vec<ListedFile>>> {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let path = format!("artifact-bundles/{bundle}/files/?{query}");
        let response = self.get_of_project(project, &path).await?;
        let body = response.json();
        let files = body["files"].as_array().filter(|_| response.is_success());
        Ok(files.map(|files| files.iter().filter_map(ListedFile::read).collect()))
    }

    /// A map's text; or why the server does not give it.
    async fn fetch(
        &self,
        project: &str,
        bundle: &DebugId,
        map: &ListedFile,
    ) -> Result<Result<String, String>> {
        if map.size > MAX_MAP {
            return Ok(Err(format!(
                "it has {} bytes, and at most {MAX_MAP} are fetched",
                map.size
            )));
        }
        let path = format!("artifact-bundles/{bundle}/files/{}/", segment(&map.id));
        let response = self.get_of_project(project, &path).await?;
        Ok(match response.status {
            200 => Ok(response.body),
            403 => {
                Err("this token may not download it: Sentry asks for that of an admin's own token"
                    .to_owned())
            }
            _ => Err(refusal(&response)),
        })
    }

    async fn get_of_project(&self, project: &str, rest: &str) -> Result<HttpResponse> {
        let (org, project) = (segment(self.org.as_str()), segment(project));
        Ok(self.client.get_optional(format!("/api/0/projects/{org}/{project}/{rest}")).await?)
    }
}

/// Adds the ids of bundles that are not there yet.
fn add_ids<'a>(ids: &mut Vec<DebugId>, bundles: impl Iterator<Item = &'a Value>) {
    for id in bundles.filter_map(|item| DebugId::parse_any(item["bundleId"].as_str()?)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

fn refusal(response: &HttpResponse) -> String {
    let reason = error_text(&response.json()).unwrap_or_else(|| response.describe());
    format!("the server answered {}: {reason}", response.status)
}
