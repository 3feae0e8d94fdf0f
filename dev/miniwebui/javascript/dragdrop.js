// Files dropped on the page: on a prompt to read their infotext into it, on a picture's place to put them there.

function dropHasFiles(event) {
    const {files, items} = event.dataTransfer || {files: [], items: []};
    return files.length > 0 || items[0]?.kind === "file";
}

function dropIsOnPrompt(target) {
    return Boolean(target.placeholder?.includes("Prompt") || target.parentNode?.parentNode?.className?.includes?.(" prompt"));
}

function dropIsOnImage(target) {
    return target.closest('[data-testid="image"]');
}

function putFiles(input, files) {
    if (input) {
        input.files = files;
        input.dispatchEvent(new Event("change"));
    }
}

/** Puts a picture where another one may stand, which goes first. */
function replaceImage(place, files) {
    if (files.length !== 1 || !["image/png", "image/gif", "image/jpeg"].includes(files[0].type)) {
        return;
    }
    place.querySelector(".modify-upload button + button, .touch-none + div button + button")?.click();
    requestAnimationFrame(() => putFiles(place.querySelector('input[type="file"]'), files));
}

document.addEventListener("dragover", (event) => {
    const target = event.composedPath()[0];
    if (dropHasFiles(event) && (dropIsOnPrompt(target) || dropIsOnImage(target))) {
        event.stopPropagation();
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
    }
});

document.addEventListener("drop", (event) => {
    const target = event.composedPath()[0];
    const image = dropIsOnImage(target);
    if (!dropHasFiles(event) || !(dropIsOnPrompt(target) || image)) {
        return;
    }
    event.stopPropagation();
    event.preventDefault();
    if (image) {
        replaceImage(image, event.dataTransfer.files);
    } else {
        const tab = target.closest("#tab_img2img") ? "img2img" : "txt2img";
        putFiles(gradioApp().querySelector(`#${tab}_prompt_image input[type="file"]`), event.dataTransfer.files);
    }
});
