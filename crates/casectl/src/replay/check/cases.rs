//! Every case as case-query shows it.

use case_api::pb;
use service_kit::exit::Exit;
use tonic::Code;

use crate::replay::caller::Caller;
use crate::replay::drive::Driven;
use crate::replay::history::changes_of;
use crate::replay::meter::Meter;
use crate::replay::plan;

use super::{Check, Scope};

/// Cases in one call: with the largest custom fields they still fit into one message.
const BATCH_CASES: usize = 250;

pub(super) async fn check(
    caller: &Caller<'_>,
    scope: &Scope<'_>,
    meter: &Meter,
    check: &mut Check,
) -> Result<(), Exit> {
    for batch in scope.driven.chunks(BATCH_CASES) {
        let message = pb::BatchGetCasesRequest {
            case_ids: batch.iter().map(|case| case.case_id.clone()).collect(),
            consistency: Some(pb::Consistency { at_least_as_fresh: vec![scope.token.clone()] }),
        };
        match caller.cases(&message).await {
            Ok(answer) => {
                if answer.cases.len() != batch.len() {
                    check.differ(format!("case-query answered {} cases to {} ids", answer.cases.len(), batch.len()));
                }
                for (driven, case) in batch.iter().zip(&answer.cases) {
                    compare(driven, case, check);
                }
            }
            Err(stopped) if stopped.gave_up_after.is_none() && stopped.status.code() == Code::NotFound => {
                check.differ(format!("case-query lacks cases: {}", stopped.status.message()));
            }
            Err(stopped) => return Err(stopped.exit("cannot read the cases back")),
        }
        for _ in batch {
            meter.tick();
        }
    }
    Ok(())
}

fn compare(driven: &Driven<'_>, case: &pb::Case, check: &mut Check) {
    check.versions += case.version;
    *check.final_statuses.entry(case.status.clone()).or_default() += 1;
    let record = driven.record;
    let Some(last) = record.history.last() else { return };
    let named = format!("{} ({})", driven.case_id, record.external_id);
    check.same(&format!("{named}: id in case-query"), &case.case_id, &driven.case_id);
    check.same(&format!("{named}: version in case-query"), &case.version, &changes_of(record));
    check.same(&format!("{named}: version in the last answer"), &driven.version, &changes_of(record));
    check.same(&format!("{named}: status in case-query"), &case.status.as_str(), &last.status.as_str());
    check.same(&format!("{named}: assignee in case-query"), &case.assignee.as_str(), &last.actor.as_str());
    check.same(&format!("{named}: team in case-query"), &case.team.as_str(), &plan::last_team(record));
}
