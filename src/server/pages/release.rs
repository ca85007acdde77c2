//! One release: where it runs, what is in it.

use super::layout::PageTab;
use super::releases::status;
use super::search::SearchList;
use super::{PageRequest, components};
use crate::database::{CommitFile, PageQuery, ReleaseScript, StoredCommit, StoredRelease};
use crate::release::ExistingDeploy;
use crate::server::http::{ApiError, ApiResult};
use maud::{Markup, html};

/// `/organizations/{org}/releases/{version}/`.
pub(super) async fn show(mut request: PageRequest) -> ApiResult {
    let org = request.authorize().await?;
    let version = request.raw.param("version").to_owned();
    let release = request.database.release(org.id, &version).await?;
    let release = release.ok_or_else(ApiError::not_found)?;
    let projects = request.database.release_projects(release.id).await?;
    let page = PageQuery { offset: 0, rows: 100 };
    let stored_deploys = request.database.deploys(release.id, &[], page).await?;
    let content = html! {
        header.heading { div {
            h1 { bdi { (release.version) } }
            p.quiet { (status(&release)) }
        } }
        (facts(&release, &projects))
        (deploys(&stored_deploys))
        (commits(&mut request, &release).await?)
        (files(&mut request, &release).await?)
        (scripts(&mut request, org.id, &release.version).await?)
    };
    Ok(request.page_of(&release.version, Some((&org.slug, PageTab::Releases)), content))
}

fn facts(release: &StoredRelease, projects: &[(i64, String)]) -> Markup {
    html! {
        dl.facts {
            @if let Some(released) = release.date_released { dt { "Released" } dd { (components::time(released)) } }
            dt { "Created" } dd { (components::time(release.created_at)) }
            @if !projects.is_empty() {
                dt { "Projects" }
                dd { @for (at, (_, slug)) in projects.iter().enumerate() { @if at > 0 { ", " } (slug) } }
            }
            @if let Some(commit) = &release.r#ref { dt { "Commit" } dd { code { bdi { (commit) } } } }
            @if let Some(url) = &release.url { dt { "URL" } dd { (components::external_link(url)) } }
            @if let Some(agent) = &release.user_agent { dt { "Created by" } dd { bdi { (agent) } } }
        }
    }
}

fn deploys(all: &[ExistingDeploy]) -> Markup {
    html! {
        h2 { "Deploys" }
        @if all.is_empty() { p.quiet { "Not deployed yet." } }
        ul.lines {
            @for ExistingDeploy { deploy, .. } in all {
                li {
                    span.environment { (deploy.environment) } " " (components::time(deploy.finished))
                    @if let Some(name) = &deploy.name { " " bdi { (name) } }
                    @if let Some(url) = &deploy.url { " " (components::external_link(url)) }
                }
            }
        }
    }
}

async fn commits(request: &mut PageRequest, release: &StoredRelease) -> Result<Markup, ApiError> {
    let listing = SearchList::read(&request.raw, "commits");
    let stored = request.database.release_commits(release.id, listing.rows()).await?;
    let (commits, more) = SearchList::cut(stored);
    Ok(html! {
        h2 #commits { (components::count(release.commit_count, "commit")) }
        @if release.commit_count == 0 { p.quiet { "No commits are recorded for this release." } }
        ul.lines { @for stored in &commits { (commit(stored)) } }
        (listing.pager("Pages of commits", more))
    })
}

fn commit(commit: &StoredCommit) -> Markup {
    let subject = commit.message.as_deref().and_then(|message| message.lines().next());
    let author = commit.author.as_ref();
    let author = author.map(|author| author.name.as_deref().unwrap_or(&author.email));
    html! {
        li.commit {
            code { (commit.key.chars().take(12).collect::<String>()) }
            div {
                bdi { (subject.unwrap_or("(no message)")) }
                p.quiet {
                    @if let Some(author) = author { bdi { (author) } " · " }
                    (components::time(commit.date_added)) " · " bdi { (commit.repository.name) }
                }
            }
        }
    }
}

async fn files(request: &mut PageRequest, release: &StoredRelease) -> Result<Markup, ApiError> {
    let listing = SearchList::read(&request.raw, "files");
    let stored = request.database.release_files(release.id, listing.rows()).await?;
    let (files, more) = SearchList::cut(stored);
    Ok(html! {
        @if !files.is_empty() || more {
            h2 #files { "Files" }
            ul.lines { @for stored in &files { (file(stored)) } }
            (listing.pager("Pages of files", more))
        }
    })
}

fn file(file: &CommitFile) -> Markup {
    let done = match file.kind.as_str() {
        "A" => "added",
        "D" => "deleted",
        _ => "modified",
    };
    html! { li { span class=(format!("change {done}")) { (done) } " " code { bdi { (file.filename) } } } }
}

/// What was uploaded to find the source of the release's scripts.
async fn scripts(request: &mut PageRequest, org: i64, version: &str) -> Result<Markup, ApiError> {
    let listing = SearchList::read(&request.raw, "scripts");
    let stored = request.database.release_scripts(org, version, listing.rows()).await?;
    let (scripts, more) = SearchList::cut(stored);
    Ok(html! {
        @if !scripts.is_empty() || more {
            h2 #scripts { "Scripts and source maps" }
            ul.lines { @for stored in &scripts { (script(stored)) } }
            (listing.pager("Pages of scripts and source maps", more))
        }
    })
}

fn script(ReleaseScript { file, bundle_id, dist }: &ReleaseScript) -> Markup {
    let kind = match file.kind {
        1 => "source",
        2 => "script",
        3 => "source map",
        4 => "RAM bundle",
        _ => "other file",
    };
    html! {
        li {
            span.change { (kind) } " " code { bdi { (file.url) } }
            p.quiet {
                @if let Some(id) = &file.debug_id { "Debug ID " code { (id) } } @else { "No debug ID" }
                @if let Some(map) = &file.sourcemap { " · map " code { bdi { (map) } } }
                @if !dist.is_empty() { " · dist " bdi { (dist) } }
                " · bundle " code { (bundle_id) }
            }
        }
    }
}
