// Which picture of the open tab's gallery is selected, and its infotext below.

function all_gallery_buttons() {
    const content = get_uiCurrentTabContent();
    const buttons = content ? content.querySelectorAll('div[id$=_gallery] .thumbnails > .thumbnail-item') : [];
    return Array.from(buttons).filter((button) => button.parentElement.offsetParent);
}

function selected_gallery_button() {
    return all_gallery_buttons().find((button) => button.classList.contains("selected")) ?? null;
}

function selected_gallery_index() {
    return all_gallery_buttons().findIndex((button) => button.classList.contains("selected"));
}

/** The selected picture of a gallery, or its first, as a gallery of one. */
function extract_image_from_gallery(gallery) {
    if (!gallery || gallery.length === 0) {
        return [null];
    }
    const index = selected_gallery_index();
    return [[gallery[index in gallery ? index : 0]]];
}

onUiLoaded(() => {
    for (const tab of ["txt2img", "img2img"]) {
        const gallery = gradioApp().getElementById(`${tab}_gallery`);
        const showInfotext = () => gradioApp().getElementById(`${tab}_generation_info_button`)?.click();
        let shown = -1;
        new MutationObserver(() => {
            const selected = selected_gallery_index();
            if (selected >= 0 && selected !== shown) {
                shown = selected;
                showInfotext();
            }
        }).observe(gallery, {attributes: true, attributeFilter: ["class"], childList: true, subtree: true});
    }
});
