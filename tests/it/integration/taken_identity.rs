//! An account that belongs to another user, met by the whole program and not by a transaction of the
//! test's own: nothing of the finish is stored, at the command line or at `serve`.

use super::browser_flow::BrowserFlow;
use crate::support::run::ProgramRun;

/// Everything that a finish may have stored.
const STORED: &str = "SELECT id, provider, external_id, name, metadata || status FROM integration
    UNION ALL SELECT id, organization_id, integration_id, config || status, default_auth_id
        FROM organization_integration
    UNION ALL SELECT id, type, external_id, config, 0 FROM identity_provider
    UNION ALL SELECT id, user_id, external_id, data || status, date_verified FROM identity
    UNION ALL SELECT id, event, target_object, data, actor_id FROM audit_log_entry
    UNION ALL SELECT id, type, data, 0, 0 FROM analytics_event";

/// From now on the account that is linked is another user's.
fn hand_over(run: &ProgramRun) {
    let sql = "INSERT INTO user (name) VALUES ('somebody else');
               UPDATE identity SET user_id = (SELECT id FROM user WHERE name = 'somebody else')";
    run.connection().execute_batch(sql).unwrap();
}

#[test]
fn a_taken_identity_stores_nothing_of_a_new_integration() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    hand_over(&journey.run);
    // A finish that had only been refused, and not rolled back, would leave this integration, its
    // link and an audit entry.
    let sql = "UPDATE integration SET external_id = 'another', name = 'Before';
               DELETE FROM organization_integration";
    journey.run.connection().execute_batch(sql).unwrap();
    let callback = journey.approved();
    let before = journey.run.rows(STORED);
    let ended = journey.resume(&callback).expect(4);
    assert_eq!(ended.joined(["status", "error-code", "changed"]), "error identity-taken false");
    assert_eq!(journey.run.rows(STORED), before);
}

#[test]
fn a_taken_identity_stores_nothing_of_a_renewal() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    hand_over(&journey.run);
    let sql = "UPDATE integration SET name = 'Before', metadata = '{}', status = 'disabled'";
    journey.run.connection().execute(sql, []).unwrap();
    let callback = journey.approved();
    let before = journey.run.rows(STORED);
    let ended = journey.resume(&callback).expect(4);
    assert_eq!(ended.joined(["status", "error-code", "changed"]), "error identity-taken false");
    assert_eq!(journey.run.rows(STORED), before);
}
