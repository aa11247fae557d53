//! `config print` and the summary of `config check`.

use service_kit::settings::{Configuration, Source};

use super::{Place, all};

#[test]
fn what_is_printed_gives_the_same_settings_again() {
    let file = "environment = \"prod.eu-1\"\n[command]\nrequired_consumers = []\n[log]\nlevel = \"info,a[b{c=\\\"d\\\"}]=warn\"\n";
    let environment = [
        ("CASE_TRACKER__LIMITS__MESSAGE_BYTES", "1_000_000"),
        ("CASE_TRACKER__TELEMETRY__SAMPLE_RATIO", "1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
    ];
    let place = Place::new().file(file).environment(environment).data_dir("a \"quoted\" \\ folder");
    let printed = Configuration::read(&place.sources, all).print();
    let again = Place::new().file(&printed);
    assert_eq!(again.loaded().settings, place.loaded().settings, "{printed}");
    assert_eq!(again.loaded().provenance.keys().filter(|line| *line.source == Source::Default).count(), 0);
}

#[test]
fn each_printed_line_names_its_source() {
    let place = Place::new().file("\n[log]\nlevel = \"warn\"\n").data_dir("d");
    let printed = Configuration::read(&place.sources, all).print();
    let file = place.path().display().to_string();
    for line in [
        "environment = \"development\" # default".to_owned(),
        "data_dir = \"d\" # flag --data-dir".to_owned(),
        "store = \"sqlite:d/audit.db\" # flag --data-dir".to_owned(),
        format!("level = \"warn\" # file {file}, line 3"),
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}\n{printed}");
    }
}

#[test]
fn an_invalid_configuration_is_printed_and_says_so() {
    let place = Place::new().file("environment = \"a b\"\nnonsense = 1\n[log]\nlevel = \"warn\"\n");
    let printed = Configuration::read(&place.sources, all).print();
    assert!(printed.starts_with("# THIS CONFIGURATION IS NOT VALID: 2 problems\n#   nonsense "), "{printed}");
    assert!(printed.contains("\nenvironment = \"a b\" # file "), "{printed}");
    assert!(printed.contains("\nlevel = \"warn\" # file "), "{printed}");
    let again = Place::new().file(&printed).problems();
    assert_eq!(again.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), ["environment"]);
}

#[test]
fn the_summary_counts_keys_by_where_they_come_from() {
    let place = Place::new().environment([("CASE_TRACKER__LOG__LEVEL", "warn")]).data_dir("d");
    assert_eq!(place.loaded().provenance.summary(), "58 keys, 53 by default, 4 from flags, 1 from the environment");
}
