//! What goes over the feed in both directions, and the lifecycle that it carries.
#![no_main]

use case_api::event_pb::LifecycleDefinition;
use case_api::feed_pb::{FollowRequest, FollowResponse};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fn reads_back<M: Message + Default + PartialEq>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        assert!(M::decode(message.encode_to_vec().as_slice()).is_ok_and(|again| again == message));
    }
}

fuzz_target!(|bytes: &[u8]| {
    reads_back::<FollowRequest>(bytes);
    reads_back::<FollowResponse>(bytes);
    if let Ok(lifecycle) = LifecycleDefinition::decode(bytes).as_ref().map(case_api::lifecycle_from_pb)
        && let Ok(lifecycle) = lifecycle
    {
        let again = case_api::lifecycle_from_pb(&case_api::lifecycle_to_pb(1, &lifecycle));
        assert!(again.is_ok_and(|again| again == lifecycle), "a lifecycle does not read back");
    }
});
