//! The deletion of integrations that are marked for it: Sentry's task carries it out some time later, and so
//! does `serve`.

use super::http::RequestAccess;
use super::state::ServerState;
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;

/// How long a marked integration can be brought back. What is still marked when the server stops is deleted
/// when it starts again.
const DELAY: Duration = Duration::from_secs(60);

/// Has a marked integration of an organization deleted later, unless a finish brings it back before.
pub(super) fn schedule(server: Arc<ServerState>, org: i64, integration: i64) {
    tokio::spawn(async move {
        tokio::time::sleep(DELAY).await;
        if let Err(failure) = carry_out(&server, org, integration).await {
            let why = &failure.message;
            tracing::warn!(
                integration,
                "the integration is not deleted before the next start: {why}"
            );
        }
    });
}

async fn carry_out(server: &Arc<ServerState>, org: i64, integration: i64) -> Result {
    let mut database = server.database(RequestAccess::MayChange).await?;
    if database.delete_marked(Some((org, integration))).await? > 0 {
        tracing::info!(integration, "the integration is deleted");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::options::ServeOptions;
    use super::*;
    use crate::cli::ServeArgs;
    use crate::env::Env;
    use rusqlite::Connection;
    use std::path::Path;

    /// A server over this file, with the organization `acme`.
    async fn server(database: &Path) -> Arc<ServerState> {
        let database = Some(database.to_string_lossy().into_owned());
        let (listen, orgs) = ("127.0.0.1:0".to_owned(), vec!["acme".to_owned()]);
        let typed = ServeArgs { listen, database, orgs, ..ServeArgs::default() };
        let options = ServeOptions::read(&typed, &Env::default()).unwrap();
        let prepared = ServerState::prepare(options, ([127, 0, 0, 1], 0).into()).await.unwrap();
        Arc::new(prepared.0)
    }

    #[tokio::test]
    async fn what_is_marked_is_deleted_and_what_came_back_stays() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("f.db");
        let server = server(&database).await;
        let file = Connection::open(&database).unwrap();
        file.execute_batch(
            "INSERT INTO integration VALUES (1, 'example', 'a', 'a', '{\"key\": 1}', 'active', 0);
             INSERT INTO organization_integration
                 (organization_id, integration_id, config, status, created_at)
                 VALUES (1, 1, '{}', 'active', 0);",
        )
        .unwrap();
        let there = "SELECT count(*) FROM organization_integration";
        let there = || file.query_row(there, [], |row| row.get::<_, i64>(0)).unwrap();
        carry_out(&server, 1, 1).await.unwrap();
        assert_eq!(there(), 1);
        file.execute("UPDATE organization_integration SET status = 'pending_deletion'", [])
            .unwrap();
        carry_out(&server, 1, 2).await.unwrap();
        carry_out(&server, 2, 1).await.unwrap();
        assert_eq!(there(), 1);
        carry_out(&server, 1, 1).await.unwrap();
        assert_eq!(there(), 0);
        let kept: String =
            file.query_row("SELECT metadata FROM integration", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "{}");
    }
}
