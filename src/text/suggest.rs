//! What a mistyped name was meant to be.

/// The name that a mistyped one came near to.
pub fn closest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        // Two letters in the wrong order are one slip, also in a short name.
        let is_slip = typed.len() > 2 && strsim::osa_distance(&typed, &name) == 1;
        strsim::jaro_winkler(&typed, &name).max(if is_slip { 0.9 } else { 0.0 })
    };
    names
        .map(|name| (likeness(name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
