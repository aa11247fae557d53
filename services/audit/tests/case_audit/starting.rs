//! What a start looks at before anything is served.

use service_kit::exit::{Exit, ExitCode};
use service_kit::settings::StoreAddress;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::events::of_cases;
use crate::system::{Surroundings, deps, start};

async fn refused(surroundings: &Surroundings, store: Option<&str>) -> Exit {
    let mut settings = surroundings.settings();
    if let Some(store) = store {
        settings.audit.store = StoreAddress(store.to_owned());
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Box::pin(start(deps(settings, CancellationToken::new()), listener)).await.unwrap_err()
}

#[tokio::test]
async fn a_log_that_is_in_use_is_not_opened_again() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    let exit = refused(&surroundings, None).await;
    assert_eq!(exit.code, ExitCode::InUse);
    assert!(exit.message.contains("audit.db"), "{exit}");
    audit.stop().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_a_mistake_of_the_configuration() {
    let surroundings = Surroundings::with(Vec::new()).await;
    let exit = refused(&surroundings, Some("postgres://user:secret@host/audit")).await;
    assert_eq!(exit.code, ExitCode::Configuration);
    assert!(exit.message.starts_with("audit.store: ") && !exit.message.contains("secret"), "{exit}");
}

#[tokio::test]
async fn a_log_whose_end_was_cut_off_is_not_served() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(2)).await;
    audit.stop().await;
    surroundings.tamper("DROP TRIGGER audit_log_keeps_rows; DELETE FROM audit_log WHERE log_index = 3");
    let exit = refused(&surroundings, None).await;
    assert_eq!(exit.code, ExitCode::DataCorrupt);
    assert!(exit.message.contains("4 records") && exit.message.contains("3 up to 3"), "{exit}");
}
