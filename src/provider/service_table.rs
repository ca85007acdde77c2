//! PagerDuty's services as a Sentry lists them, beside those that PagerDuty's JSON has.

use serde_json::{Value, json};

/// Where a Sentry lists them.
pub(super) const SERVICE_TABLE: &str = "service_table";

/// The rows that have each of these services once, with its key; `None` where the listed ones do.
/// Rows of other services stay as they are.
pub(super) fn settled_rows(listed: &[Value], services: &[Value]) -> Option<Vec<Value>> {
    let mut rows = listed.to_vec();
    let mut wanted: Vec<(&str, Vec<&str>)> = Vec::new();
    for service in services {
        let text = |name: &str| service[name].as_str().unwrap_or_default();
        let (name, key) = (text("name"), text("integration_key"));
        match wanted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, keys)) if keys.contains(&key) => {}
            Some((_, keys)) => keys.push(key),
            None => wanted.push((name, vec![key])),
        }
    }
    wanted.into_iter().for_each(|(name, keys)| settle_service(&mut rows, name, keys));
    (rows != listed).then_some(rows)
}

/// Gives the rows of one service its keys. The oldest ones stay: alert rules refer to their ids.
fn settle_service(rows: &mut Vec<Value>, name: &str, mut keys: Vec<&str>) {
    let mut own: Vec<_> = (0..rows.len()).filter(|at| rows[*at]["service"] == name).collect();
    own.sort_by_key(|at| rows[*at]["id"].as_i64());
    let mut surplus = own.split_off(keys.len().min(own.len()));
    own.retain(|at| match keys.iter().position(|key| rows[*at]["integration_key"] == *key) {
        Some(found) => {
            keys.remove(found);
            false
        }
        None => true,
    });
    let mut keys = keys.into_iter();
    for (at, key) in own.into_iter().zip(keys.by_ref()) {
        rows[at]["integration_key"] = key.into();
    }
    // A row without an id is made by Sentry.
    rows.extend(keys.map(|key| json!({ "service": name, "integration_key": key, "id": "" })));
    surplus.sort_unstable();
    surplus.into_iter().rev().for_each(|at| drop(rows.remove(at)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(all: &[(i64, &str, &str)]) -> Vec<Value> {
        let row = |(id, service, key): &(i64, &str, &str)| json!({ "service": service, "integration_key": key, "id": id });
        all.iter().map(row).collect()
    }

    fn settled(listed: &[(i64, &str, &str)], wanted: &[(&str, &str)]) -> Option<Vec<String>> {
        let service = |(name, key): &(&str, &str)| json!({ "name": name, "integration_key": key });
        let services: Vec<_> = wanted.iter().map(service).collect();
        let line =
            |row: Value| format!("{} {} {}", row["id"], row["service"], row["integration_key"]);
        let lines = |rows: Vec<Value>| rows.into_iter().map(line).map(|text| text.replace('"', ""));
        settled_rows(&rows(listed), &services).map(|rows| lines(rows).collect())
    }

    #[test]
    fn what_is_listed_is_left_alone_with_what_others_added() {
        assert_eq!(settled(&[(1, "Web", "a"), (2, "By hand", "z")], &[("Web", "a")]), None);
        assert_eq!(
            settled(&[(1, "Web", "a"), (2, "Web", "b")], &[("Web", "b"), ("Web", "a")]),
            None
        );
        assert_eq!(settled(&[], &[]), None);
    }

    #[test]
    fn a_changed_key_goes_to_the_oldest_row_and_a_new_service_to_one_without_an_id() {
        let lines = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        let changed = settled(&[(1, "Web", "a")], &[("Web", "b"), ("Api", "c"), ("Api", "c")]);
        assert_eq!(changed, lines(&["1 Web b", " Api c"]));
        let appended = [(9, "Web", "b"), (2, "By hand", "z"), (1, "Web", "a"), (10, "Web", "b")];
        assert_eq!(settled(&appended, &[("Web", "b")]), lines(&["2 By hand z", "1 Web b"]));
        let twice = settled(&[(1, "Web", "a"), (2, "Web", "a")], &[("Web", "a")]);
        assert_eq!(twice, lines(&["1 Web a"]));
    }
}
