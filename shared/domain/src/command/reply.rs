//! Where the answer to a command goes.

/// Bytes of a queue's name at most (AMQP 0.9.1, short string).
const LIMIT: usize = 255;

/// The queue that a command names for its answer, if one may be sent there. What we read ourselves, and what NHN's broker carries, is none
/// that a journal system waits on: an answer there would be taken for something else.
pub fn answers_to(reply_to: Option<&str>) -> Option<&str> {
    let queue = reply_to.filter(|queue| !queue.is_empty() && queue.len() <= LIMIT)?;
    let is_ours = queue == "dialogpost" || queue.starts_with("dialogpost.");
    (!is_ours && !is_of_nhn(queue)).then_some(queue)
}

/// `{herId}_async` and the like (nhn-messaging 1.1).
fn is_of_nhn(queue: &str) -> bool {
    queue.split_once('_').is_some_and(|(her_id, kind)| {
        !her_id.is_empty()
            && her_id.bytes().all(|b| b.is_ascii_digit())
            && matches!(kind, "async" | "sync" | "syncreply" | "error" | "dl")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_the_callers_own_queues() {
        for queue in ["epj-solbakken", "amq.gen-x7Yz", "amq.rabbitmq.reply-to.g1h2AA5yZXBseQ", "answers_async", "dialogpostkasse"]
        {
            assert_eq!(answers_to(Some(queue)), Some(queue));
        }
        let long = "q".repeat(256);
        for queue in ["", "dialogpost", "dialogpost.helsenorge-inbound", "8093244_async", "8141333_syncreply", "1_dl", &long] {
            assert_eq!(answers_to(Some(queue)), None, "{queue}");
        }
        assert_eq!(answers_to(None), None);
    }
}
