// Tells the panel that the page has changed, once the person pauses. What the change means is asked of the
// extension's Python side: no rule stands here.
"use strict";

const HYPERSD_PAUSE_MS = 200;
const hypersdTimers = {};

function hypersdChanged(tab) {
    clearTimeout(hypersdTimers[tab]);
    hypersdTimers[tab] = setTimeout(() => {
        const button = gradioApp().querySelector(`#hypersd_${tab}_refresh`);
        if (button) button.click();
    }, HYPERSD_PAUSE_MS);
}

function hypersdCheckpointChanged() {
    for (const tab of ["txt2img", "img2img"]) hypersdChanged(tab);
}

// The checkpoint dropdown stands outside the tabs; its shown value is what changes. Forge gives it no id.
const HYPERSD_CHECKPOINT = ["#setting_sd_model_checkpoint input", "#setting_sd_model_checkpoint select", ".model_selection input"];
let hypersdCheckpoint = null;
onAfterUiUpdate(() => {
    const shown = gradioApp().querySelector(HYPERSD_CHECKPOINT.join(", "));
    const value = shown ? shown.value : null;
    if (value !== hypersdCheckpoint) {
        hypersdCheckpoint = value;
        hypersdCheckpointChanged();
    }
});
