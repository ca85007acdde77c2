//! What a person may choose among at a step: the step lists it, by id and by name.

use crate::model::{Fields, Object};
use crate::text::quote;
use serde_json::Value;

/// More than these are counted, not named.
const MOST_NAMED: usize = 20;

/// Where a step lists what may be chosen, and what of its answer is the choice.
pub struct StepChoice {
    /// The field for the id of what is chosen, or for several.
    pub field: &'static str,
    /// Another field that brings an id, which need not be among the listed ones.
    pub other: Option<&'static str>,
    /// The list in the step's data.
    pub list: &'static str,
    /// The name of an item's id.
    pub id: &'static str,
    /// The name of what people call it.
    pub name: &'static str,
}

/// One of those that may be chosen.
struct ListedChoice {
    id: String,
    name: String,
}

impl StepChoice {
    /// Puts an id in place of a name that only one has. Where nothing is given, the only one there
    /// is taken.
    pub(crate) fn settle(&self, shown: &Object, fields: &mut Fields) {
        let listed = self.listed(shown);
        let other = self.other.and_then(|other| fields.get(other));
        // A new one, which the list does not have yet.
        if other.is_some() && fields.get(self.field) == other {
            fields.remove(self.field);
            return;
        }
        match (fields.get(self.field).cloned(), &listed[..]) {
            (Some(Value::String(text)), _) => fields.set(self.field, id_of(&text, &listed)),
            (None, [only]) if self.is_open(fields) => {
                tracing::info!(id = only.id, name = only.name, "taking the only choice there is");
                fields.set(self.field, only.id.as_str());
            }
            _ => {}
        }
    }

    /// Whether the step lists something, and nothing of it is chosen.
    pub(crate) fn is_undecided(&self, shown: &Object, fields: &Fields) -> bool {
        self.is_open(fields) && !self.listed(shown).is_empty()
    }

    /// Whether the step lists what may be chosen, and this is not among it.
    pub(crate) fn is_unlisted(&self, shown: &Object, fields: &Fields) -> bool {
        let listed = self.listed(shown);
        let is_unknown = |text: &str| listed.iter().all(|one| one.id != text);
        let is_wrong = |name: &str| match fields.get(name) {
            Some(Value::String(text)) => is_unknown(text),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(is_unknown),
            _ => false,
        };
        shown.get(self.list).is_some_and(Value::is_array)
            && (is_wrong(self.field) || self.other.is_some_and(is_wrong))
    }

    /// What may be chosen, for a person.
    pub(crate) fn describe(&self, shown: &Object) -> String {
        let listed = self.listed(shown);
        let word = |one: &ListedChoice| match one.name == one.id || one.name.is_empty() {
            true => quote(&one.id),
            false => format!("{} ({})", quote(&one.name), quote(&one.id)),
        };
        let words: Vec<_> = listed.iter().take(MOST_NAMED).map(word).collect();
        match listed.len().saturating_sub(MOST_NAMED) {
            _ if listed.is_empty() => "none is available to this user".to_owned(),
            0 => format!("available: {}", words.join(", ")),
            more => format!("available: {} and {more} more", words.join(", ")),
        }
    }

    fn is_open(&self, fields: &Fields) -> bool {
        let is_given = |name: &str| fields.get(name).is_some();
        !is_given(self.field) && !self.other.is_some_and(is_given)
    }

    fn listed(&self, shown: &Object) -> Vec<ListedChoice> {
        let items = shown.get(self.list).and_then(Value::as_array).into_iter().flatten();
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let listed = items
            .map(|item| ListedChoice { id: text(&item[self.id]), name: text(&item[self.name]) });
        listed.filter(|one| !one.id.is_empty()).collect()
    }
}

/// The id that a text means: its own, or that of the only one with this name. Names differ by more
/// than the case of their letters only where both are there.
fn id_of(text: &str, listed: &[ListedChoice]) -> String {
    let sole = |is_it: &dyn Fn(&&ListedChoice) -> bool| {
        let mut found = listed.iter().filter(is_it);
        found.next().filter(|_| found.next().is_none())
    };
    if listed.iter().any(|one| one.id == text) {
        return text.to_owned();
    }
    let by_name = sole(&|one| one.name == text);
    let by_name = by_name.or_else(|| sole(&|one| one.name.eq_ignore_ascii_case(text)));
    by_name.map_or_else(|| text.to_owned(), |one| one.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object;
    use serde_json::json;

    const CHOICE: StepChoice =
        StepChoice { field: "account", other: Some("else"), list: "all", id: "no", name: "called" };

    fn settled(all: Value, given: Value) -> Value {
        let mut fields = Fields::from(object(given));
        CHOICE.settle(&object(json!({ "all": all })), &mut fields);
        fields.to_json()
    }

    #[test]
    fn a_name_is_taken_where_only_one_has_it_and_an_id_goes_before_it() {
        let all = json!([
            { "no": 1, "called": "Acme" }, { "no": "b", "called": "twins" },
            { "no": "c", "called": "twins" }, { "no": "d", "called": "1" },
        ]);
        for (given, taken) in
            [("Acme", "1"), ("acme", "1"), ("1", "1"), ("twins", "twins"), ("x", "x"), ("d", "d")]
        {
            assert_eq!(settled(all.clone(), json!({ "account": given }))["account"], taken);
        }
        assert_eq!(settled(all.clone(), json!({})), json!({}));
        assert_eq!(settled(all, json!({ "else": "9" })), json!({ "else": "9" }));
    }

    #[test]
    fn the_only_one_is_taken_where_nothing_is_given() {
        let one = json!([{ "no": 7, "called": "acme" }]);
        assert_eq!(settled(one.clone(), json!({})), json!({ "account": "7" }));
        assert_eq!(settled(one, json!({ "else": "9" })), json!({ "else": "9" }));
        assert_eq!(settled(json!([]), json!({})), json!({}));
    }
}
