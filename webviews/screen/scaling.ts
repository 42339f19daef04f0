/** How large the guest's picture is shown. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The guest's picture as the session describes it. */
export interface PictureShape extends Size {
  /** Width / height on a monitor. */
  readonly aspectRatio: number;
}

/**
 * The size in CSS pixels for a picture inside `available`: whole device pixels for each column of the guest if at least
 * one fits, otherwise as large as fits. The shape is always the monitor's.
 */
export function shownSize(picture: PictureShape, available: Size, devicePixelRatio: number): Size {
  const { aspectRatio } = picture;
  const widthMax = Math.max(1, Math.min(available.width, available.height * aspectRatio));
  const columnSize = Math.floor((widthMax * devicePixelRatio) / picture.width);
  const width = columnSize >= 1 ? (columnSize * picture.width) / devicePixelRatio : widthMax;
  return { width, height: width / aspectRatio };
}
