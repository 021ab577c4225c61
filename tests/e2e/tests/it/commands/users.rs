//! A clinic may name the users of the broker whose commands it takes: what others send for it does not happen, and tells them nothing.

use super::{LINE, by_the_schemas};
use e2e::Fleet;
use e2e::epj::{COMMANDS, Epj, command};
use helsenorge::example::SOLBAKKEN;
use serde_json::{Value, json};
use uuid::Uuid;

/// A user of the broker of its own, who may use this virtual host.
async fn user(fleet: &Fleet) -> (String, String) {
    let name = format!("epj-{}", Uuid::new_v4().simple());
    let rabbit = fleet.world.rabbit();
    rabbit.ctl(&["add_user", &name, "hemmelig"]).await;
    rabbit.ctl(&["set_permissions", "-p", &fleet.world.vhost, &name, ".*", ".*", ".*"]).await;
    let url = format!("amqp://{name}:hemmelig@127.0.0.1:{}/{}", rabbit.port(), fleet.world.vhost);
    (name, url)
}

fn start() -> Value {
    let arguments = json!({ "kind": "EDIALOG", "patient": LINE, "subject": "Hei", "text": "Hei" });
    command("StartDialog", SOLBAKKEN, "kari", arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_takes_commands_of_its_own_users_only() {
    by_the_schemas();
    let fleet = Fleet::new().await;
    let ((own, own_url), (other, other_url)) = (user(&fleet).await, user(&fleet).await);
    let mut setup: Value = serde_json::from_str(include_str!("../../../../fixtures/clinic.json")).unwrap();
    setup["clinics"][0]["command_users"] = json!([own]);
    fleet.apply(&setup.to_string()).await;
    let running = fleet.start();

    let nobodys =
        command("StartDialog", 8_199_999, "kari", json!({ "kind": "EDIALOG", "patient": LINE, "subject": "a", "text": "b" }));
    let epj = Epj::connect(&own_url).await.named(&own);
    let done = start();
    epj.done(&done).await;
    let strangers = [Epj::connect(&other_url).await.named(&other), Epj::connect(&own_url).await, Epj::connect(&other_url).await];
    let heard = epj.listen("command-answered.#").await;
    let mut tried = Vec::new();
    for stranger in strangers {
        let unknown = stranger.ask_anyhow(COMMANDS, &nobodys).await.body["refusal"].clone();
        assert_eq!(unknown["code"], "clinic-unknown");
        // New, the same again, and what the clinic has done before: nothing is told of any.
        let new = start();
        for command in [&new, &new, &done, &command("ListDialogs", SOLBAKKEN, "kari", json!({}))] {
            assert_eq!(stranger.ask_anyhow(COMMANDS, command).await.body["refusal"], unknown, "{}", command["command"]);
        }
        stranger.tell(&new).await;
        let told = heard.next().await;
        assert_eq!((&told["refusal"], told.get("clinic")), (&unknown, None), "nobody hears it as the clinic's");
        tried.push(new);
    }
    assert_eq!((fleet.rows.count("dialogpost.dialog").await, fleet.rows.count("dialogpost.command").await), (1, 1));
    // Whoever was mistaken for a stranger gives the same command again once that is mended.
    for new in tried {
        assert_eq!(epj.done(&new).await["type"], "written");
    }
    assert_eq!(epj.done(&done).await["type"], "written", "its own gets its answer still");
    running.stop().await;
    for name in [own, other] {
        fleet.world.rabbit().ctl(&["delete_user", &name]).await;
    }
}

/// Nobody can bear another's name: the broker closes his channel, and what he sent is nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_cannot_be_borrowed() {
    let fleet = Fleet::new().await;
    let ((own, own_url), (other, other_url)) = (user(&fleet).await, user(&fleet).await);
    let running = fleet.start();
    let command = serde_json::to_vec(&start()).unwrap();
    let forger = Epj::connect(&other_url).await.named(&own);
    let refused = forger.confirmed(COMMANDS, &command).await.unwrap_err();
    assert!(refused.contains("PRECONDITION_FAILED - user_id"), "{refused}");
    let epj = Epj::connect(&own_url).await.named(&own);
    epj.confirmed(COMMANDS, &command).await.unwrap();
    assert_eq!(epj.next().await.body["outcome"], "done");
    assert_eq!(fleet.rows.count("dialogpost.command").await, 1);
    running.stop().await;
    for name in [own, other] {
        fleet.world.rabbit().ctl(&["delete_user", &name]).await;
    }
}
