//! Language tags such as `de`, `de-CH` or `de_CH`: what a table by language has for one.

/// The language of a tag, without region and script.
pub(crate) fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

/// What a table by primary subtags has for the language of a tag.
pub(crate) fn of<'t, T>(table: &'t [(&str, T)], tag: &str) -> Option<&'t T> {
    let wanted = primary(tag);
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted)).map(|(_, has)| has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_and_the_case_of_a_tag_do_not_matter() {
        let table = [("de", 1), ("en", 2)];
        assert_eq!(["de", "de-CH", "DE_at"].map(|tag| of(&table, tag)), [Some(&1); 3]);
        assert_eq!(["", "d", "den", "sv"].map(|tag| of(&table, tag)), [None; 4]);
    }
}
