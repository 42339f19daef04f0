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

/** How the picture is put on the page; sizes in CSS pixels. */
export interface Presentation extends Size {
  /** Every pixel of the guest has its own place; a smaller picture is smoothed, or whole columns would be missing. */
  readonly pixelated: boolean;
}

/**
 * The size for a picture inside `available`: whole device pixels for each column of the guest if at least one fits,
 * otherwise as large as fits. The shape is always the monitor's.
 */
export function present(picture: PictureShape, available: Size, devicePixelRatio: number): Presentation {
  const { aspectRatio } = picture;
  const widthMax = Math.max(1, Math.min(available.width, available.height * aspectRatio));
  const columnSize = Math.floor((widthMax * devicePixelRatio) / picture.width);
  const width = columnSize >= 1 ? (columnSize * picture.width) / devicePixelRatio : widthMax;
  const height = width / aspectRatio;
  return { width, height, pixelated: columnSize >= 1 && height * devicePixelRatio >= picture.height };
}
